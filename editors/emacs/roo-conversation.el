;;; roo-conversation.el --- Each event as text  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What is added to the transcript for what was said and done.

;;; Code:

(require 'roo-documents)
(require 'roo-drawing)

(defun roo--merge (chunk update)
  "Put UPDATE to CHUNK, (KIND TEXTS…), or draw what has to be drawn now.
The chunk that is still to be drawn."
  (let* ((kind (plist-get update :sessionUpdate))
         (text (and (member kind '("agent_message_chunk" "agent_thought_chunk"))
                    (plist-get (plist-get update :content) :text))))
    (if (and text chunk (equal (car chunk) kind))
        (cons kind (cons text (cdr chunk)))
      (when chunk
        (roo--draw-chunk (car chunk) (apply #'concat (reverse (cdr chunk)))))
      (cond (text (list kind text))
            (update (roo--draw-update update) nil)))))

(defun roo--draw-chunk (kind text)
  "Add TEXT, a chunk of KIND."
  (if (equal kind "agent_thought_chunk")
      (roo--draw-thought text)
    (roo--paragraph kind)
    (roo--insert (propertize (if (eq (char-before roo--footer) ?\n) (string-trim-left text "\n+")
                               text)
                             'roo-prose t))))

(defun roo--draw-thought (text)
  "Add TEXT to what Roo thinks, which is folded."
  (let ((entry (and (equal roo--speaking "thought") (gethash "thought" roo--entries))))
    (unless entry
      (roo--paragraph "thought")
      (setq entry (make-roo--entry :id "thought" :title "Thought" :kind "think"
                                   :status "completed" :text ""))
      (puthash "thought" entry roo--entries))
    (setf (roo--entry-text entry) (concat (roo--entry-text entry) text))
    (roo--draw-entry entry)))

(defun roo--draw-update (update)
  "Add what UPDATE says to the conversation."
  (pcase (plist-get update :sessionUpdate)
    ("user_message_chunk" (roo--draw-user (plist-get update :content)))
    ((or "tool_call" "_tool_call_arguments" "tool_call_update") (roo--draw-call update))
    ("_permission"
     (pcase (plist-get update :outcome)
       ("reject_once" (roo--draw-note "Denied"))
       ("reject_always" (roo--draw-note "Denied, also from now on"))
       ("allow_always" (roo--draw-note "Approved, also from now on"))))
    ("_question"
     (when (plist-get update :question)
       (roo--paragraph "question")
       (roo--insert (propertize (plist-get update :question) 'roo-prose t) "\n"))
     (when (plist-get update :answer)
       (roo--draw-user (list :text (plist-get update :answer)))))
    ("plan" (roo--draw-plan (plist-get update :entries)))
    ("_retry"
     (roo--draw-note (format "%s  Again in %d s." (plist-get update :reason)
                             (round (plist-get update :delay)))))
    ("_checkpoint"
     (roo--draw-note (propertize (format "◇ %s" (plist-get update :label))
                                 'roo-checkpoint (plist-get update :checkpointId)
                                 'help-echo "A checkpoint: RET lists them")))
    ("_subtask" (roo--draw-subtask update))
    ("_condensed"
     (roo--draw-note (format "The conversation was condensed: %d to %d tokens"
                             (plist-get update :before) (plist-get update :after))))
    ("_rewound"
     (roo--draw-note "Went back to an earlier place: what was said since is taken back"))
    ("_changes"
     (when-let ((state (plist-get update :state)))
       (roo--draw-note (format "You %s %s  +%d -%d" state
                               (roo--shown (roo--path (plist-get update :uri)))
                               (plist-get update :added) (plist-get update :removed)))))
    ("_state" (roo--draw-state update))))

(defun roo--draw-subtask (update)
  "Say once that the subtask in UPDATE begins, waits, or is over."
  (let* ((task (plist-get update :taskId))
         (state (plist-get update :state))
         (before (gethash (concat "subtask " task) roo--entries))
         (says (pcase state
                 ("running" (unless before "Subtask"))
                 ("waiting" "Subtask waits for you")
                 ("idle" "Subtask over")
                 (_ "Subtask failed"))))
    (puthash (concat "subtask " task) state roo--entries)
    (when says
      (roo--draw-note (propertize (format "%s: %s" says (plist-get update :title))
                                  'roo-subtask task)))))

(defun roo--draw-user (content)
  "Add CONTENT, what the user said."
  (roo--paragraph (list "user"))
  (let ((text (or (plist-get content :text) (format "[%s]" (plist-get content :name)))))
    (roo--insert (propertize text 'face 'roo-user 'roo-user t
                             'line-prefix (propertize "▌ " 'face 'roo-user)
                             'wrap-prefix (propertize "▌ " 'face 'roo-user)))))

(defun roo--draw-note (text)
  "Add TEXT, which nobody said."
  (roo--paragraph "call")
  (roo--insert (propertize (concat "  " text) 'face 'roo-note) "\n"))

(defun roo--draw-plan (todos)
  "Add TODOS, the list as it is now; the list as it was goes."
  (let ((old (gethash "plan" roo--entries)))
    (when old (delete-region (roo--entry-beg old) (roo--entry-end old))))
  (roo--paragraph "call")
  (let ((beg (marker-position roo--footer)))
    (dolist (todo todos)
      (let ((status (plist-get todo :status)))
        (roo--insert
         (pcase status
           ("completed" (propertize "  ☑ " 'face 'roo-done))
           ("in_progress" (propertize "  ▸ " 'face 'roo-running))
           (_ (propertize "  ☐ " 'face 'roo-note)))
         (propertize (plist-get todo :content)
                     'face (if (equal status "completed") 'roo-note 'default))
         "\n")))
    (puthash "plan" (make-roo--entry :id "plan" :beg (copy-marker beg)
                                      :end (copy-marker roo--footer))
             roo--entries)))

(defun roo--draw-state (update)
  "Add what ended the turn, from UPDATE."
  (let ((problem (plist-get update :error))
        (state (plist-get update :state)))
    (cond
     (problem
      (roo--paragraph "end")
      (roo--insert (propertize (plist-get problem :message) 'face 'roo-failed)
                   (if-let ((hint (plist-get problem :hint)))
                       (concat "\n" (propertize hint 'face 'roo-note))
                     "")
                   "\n"))
     ((equal state "idle")
      (let ((words (pcase (plist-get update :stopReason)
                     ("cancelled" "Cancelled.")
                     ("max_tokens" "Stopped: the model's output limit cut the answer off.")
                     ("max_turn_requests" "Stopped at a limit you set.")
                     ("refusal" "The model refused to answer."))))
        (when words
          (roo--paragraph "end")
          (roo--insert (propertize words 'face 'roo-note) "\n"))
        (unless (eq (char-before roo--footer) ?\n) (roo--insert "\n")))))))

(defun roo--draw-call (update)
  "Add or redraw the tool call that UPDATE is about."
  (let* ((id (plist-get update :toolCallId))
         (meta (plist-get update :_meta))
         (entry (or (gethash id roo--entries)
                    (puthash id (make-roo--entry :id id :kind (plist-get update :kind)
                                                 :quiet (eq (plist-get meta :quiet) t)
                                                 :status "pending")
                             roo--entries))))
    (roo--take entry update meta)
    (if (and (roo--entry-quiet entry) (not (equal (roo--entry-status entry) "failed")))
        (when (eq (plist-get meta :answer) t)
          (roo--draw-chunk "result" (or (plist-get update :rawOutput) "")))
      (unless (roo--entry-beg entry) (roo--paragraph "call"))
      (roo--draw-entry entry))))

(defun roo--take (entry update meta)
  "Keep in ENTRY what UPDATE with its META says."
  (when-let ((title (or (plist-get update :title) (plist-get meta :title))))
    (setf (roo--entry-title entry)
          (if-let ((lines (plist-get meta :lines)))
              (format "%s · %d line%s" title lines (if (= lines 1) "" "s"))
            title)))
  (when-let ((status (plist-get update :status)))
    ;; A command that ran and failed is no success.
    (setf (roo--entry-status entry)
          (if (memq (plist-get meta :exitCode) '(nil 0)) status "failed")))
  (when-let ((location (car (plist-get update :locations))))
    (setf (roo--entry-location entry) location))
  (when-let ((output (plist-get meta :output)))
    (setf (roo--entry-output entry) (concat (roo--entry-output entry) output)))
  (when-let ((text (plist-get update :rawOutput)))
    (setf (roo--entry-text entry) text))
  (when-let ((diffs (seq-filter (lambda (each) (equal (plist-get each :type) "diff"))
                                (plist-get update :content))))
    (setf (roo--entry-diffs entry)
          (mapcar (lambda (each)
                    (cons (plist-get each :path)
                          (roo--diff (or (plist-get each :oldText) "")
                                     (plist-get each :newText))))
                  diffs)))
  (unless (roo--entry-touched entry)
    (setf (roo--entry-folded entry)
          (cond ((roo--entry-diffs entry) nil)
                ((equal (roo--entry-kind entry) "execute") 'tail)
                ((equal (roo--entry-status entry) "failed") nil)
                (t t)))))

(provide 'roo-conversation)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-conversation.el ends here
