;;; roo-waiting.el --- What waits for the user, and their answers  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Approvals and questions: told once, counted in the mode line, shown with their answers below
;; the conversation, and settled by commands that can be called anywhere.

;;; Code:

(require 'roo-documents)
(require 'roo-drawing)
(require 'roo-events)

(defun roo--waiting-event (connection event)
  "Look after what waits in CONNECTION where EVENT may have changed it."
  (when (member (plist-get (plist-get event :update) :sessionUpdate)
                '("_state" "_permission" "_question"))
    (roo--refresh-pending connection)))

(add-hook 'roo--event-functions #'roo--waiting-event)

(defun roo--refresh-pending (connection)
  "Ask the server of CONNECTION what waits for the user, and show it."
  (roo--execute
   connection "roo.approval.list" nil
   (lambda (entries)
     (setf (roo--pending connection) entries)
     (roo--draw-queued)                 ; what led to the question is above it
     (roo--draw-footer-of connection)
     (dolist (entry entries)
       (let ((id (plist-get entry :requestId)))
         (unless (member id (roo--told connection))
           (push id (roo--told connection))
           (roo--say "%s" (roo--call-for-you entry)))))
     (force-mode-line-update t))))

(defun roo--call-for-you (entry)
  "One line that says that ENTRY waits, and what to do."
  (let ((question (equal (plist-get entry :kind) "question")))
    (format "Roo %s: %s  (%s)"
            (if question "asks" "waits for you")
            (truncate-string-to-width (car (split-string (plist-get entry :title) "\n")) 60 nil nil t)
            (substitute-command-keys
             (if question "\\[roo-answer]" "\\[roo-approve], \\[roo-deny]")))))

(defun roo--on-permission (connection _params reply)
  "Show that CONNECTION has a question; REPLY nothing, so that it stays open."
  (funcall reply nil)
  (roo--refresh-pending connection))

(roo--does "roo/requestPermission" #'roo--on-permission)

(defun roo--on-message (connection params)
  "Show the message in PARAMS; what waits in CONNECTION is told in its own way."
  (let ((text (plist-get params :message)))
    (if (string-prefix-p "Roo waits for you" text)
        (roo--refresh-pending connection)
      (roo--say "%s" text))))

(roo--does "window/showMessage" #'roo--on-message)

(defun roo-mode-line ()
  "What the mode line says of Roo here: it is idle, works, or waits for you."
  (when-let ((connection (roo--current)))
    (let* ((waiting (length (roo--pending connection)))
           (running (seq-some (lambda (each) (equal (plist-get (cdr each) :state) "running"))
                              (roo--tasks connection)))
           (text (cond ((> waiting 0) (format "Roo:%d?" waiting))
                       (running "Roo:…")
                       (t "Roo"))))
      (list " " (propertize text
                            'face (cond ((> waiting 0) 'roo-waiting) (running 'roo-running))
                            'help-echo (or (roo--line connection) "Roo")
                            'mouse-face 'mode-line-highlight
                            'local-map (make-mode-line-mouse-map 'mouse-1 #'roo-show))))))

(defun roo--show-in-mode-line (connection)
  "Have the mode line say what Roo does, as long as CONNECTION or another lives."
  (if (memq connection roo--connections)
      (add-to-list 'mode-line-misc-info '(:eval (roo-mode-line)))
    (unless roo--connections
      (setq mode-line-misc-info (delete '(:eval (roo-mode-line)) mode-line-misc-info)))))

(add-hook 'roo--started-functions #'roo--show-in-mode-line)
(add-hook 'roo--ended-functions #'roo--show-in-mode-line)

(defun roo--ours-of (connection)
  "What waits for the user in the shown task of CONNECTION, or in none."
  (seq-filter (lambda (each)
                (member (plist-get each :taskId) (list nil (roo--task connection))))
              (roo--pending connection)))

(defun roo--draw-footer ()
  "Show below the conversation what waits for the user."
  (let ((entries (and (memq roo--connection roo--connections)
                      (roo--ours-of roo--connection))))
    (unless (equal entries roo--footer-drawn)
      (setq roo--footer-drawn entries)
      (roo--drawing
       (lambda ()
         (delete-region roo--footer (point-max))
         (goto-char roo--footer)
         (let ((start (point)))
           (unless (or (bobp) (null entries))
             (insert (if (bolp) "\n" "\n\n")))
           (dolist (entry entries)
             (roo--insert-waiting entry))
           (set-marker roo--footer start)))))))

(defun roo--draw-footer-of (connection)
  "Show what waits in the transcript of CONNECTION."
  (when-let ((transcript (roo--transcript connection)))
    (with-current-buffer transcript (roo--draw-footer))))

(add-hook 'roo--ended-functions #'roo--draw-footer-of)

(defun roo--insert-waiting (entry)
  "Add ENTRY, which waits for the user, with its answers as buttons."
  (let ((id (plist-get entry :requestId))
        (bar (propertize "┃ " 'face 'roo-waiting))
        (beg (point)))
    (if (equal (plist-get entry :kind) "question")
        (progn
          (insert (propertize "Your answer?" 'face 'roo-waiting) "\n")
          (dolist (each (plist-get entry :suggestions))
            (roo--button each "" (lambda () (roo--reply id each)))
            (insert "\n"))
          (roo--button "Something else…" "RET" #'roo-answer))
      (insert (propertize (plist-get entry :title) 'face 'roo-waiting) "\n")
      (dolist (line (seq-take (plist-get entry :detail) 10))
        (unless (string-suffix-p (roo--shortened line) (plist-get entry :title))
          (insert (propertize (roo--shortened line) 'face 'roo-note) "\n")))
      (roo--button "Approve" "a" (lambda () (roo--respond id "allow_once")))
      (when (roo--option entry "allow_always")
        (roo--button "Always" "A" (lambda () (roo--respond id "allow_always"))))
      (roo--button "Deny" "d" (lambda () (roo-deny (read-string "Why not? ") id)))
      (roo--button "Details" "v" (lambda () (roo--details entry))))
    (insert "\n")
    (add-text-properties beg (point) (list 'line-prefix bar 'wrap-prefix bar 'roo-waiting id))))

(defun roo--shortened (line)
  "LINE with paths in the project of this buffer as they are named there."
  (let ((root (roo--root roo--connection)))
    (string-replace (directory-file-name root) (concat (roo--name roo--connection) "/")
                    (string-replace root "" line))))

(defun roo--option (entry option)
  "The option of ENTRY with the id OPTION, or nil."
  (seq-find (lambda (each) (equal (plist-get each :optionId) option)) (plist-get entry :options)))

(defun roo--button (label key action)
  "Insert a button with LABEL and the KEY that does the same, which calls ACTION."
  (insert-text-button (format "[%s]" label)
                      'face 'roo-button 'follow-link t
                      'action (lambda (_button) (call-interactively
                                                 (if (commandp action) action
                                                   (lambda () (interactive) (funcall action))))))
  (insert (if (string-empty-p key) "" (propertize (concat " " key) 'face 'roo-note)) "  "))

(defun roo--choose (kind)
  "What waits for the user and is of KIND, `question' or `permission'.
The user is asked where that is not clear."
  (let* ((connection (roo--require))
         (at-point (get-text-property (point) 'roo-waiting))
         (entries (seq-filter (lambda (each)
                                (eq (equal (plist-get each :kind) "question")
                                    (eq kind 'question)))
                              (roo--pending connection))))
    (cond ((null entries) (user-error "Nothing waits for you"))
          ((seq-find (lambda (each) (equal (plist-get each :requestId) at-point)) entries))
          ((null (cdr entries)) (car entries))
          (t (let ((titles (mapcar (lambda (each) (cons (plist-get each :title) each)) entries)))
               (cdr (assoc (completing-read "Which? " titles nil t) titles)))))))

(defun roo--respond (id decision &optional feedback)
  "Settle the request ID by DECISION; FEEDBACK goes to the model."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.approval.respond"
                  (append (list :requestId id :decision decision)
                          (and feedback (not (string-blank-p feedback))
                               (list :feedback feedback)))
                  (lambda (_result) (roo--refresh-pending connection)))))

(defun roo-approve ()
  "Approve what waits."
  (interactive)
  (let ((entry (roo--choose 'permission)))
    (roo--respond (plist-get entry :requestId) "allow_once")
    (roo--say "Approved: %s" (plist-get entry :title))))

(defun roo-always ()
  "Approve what waits, and the like of it from now on."
  (interactive)
  (let* ((entry (roo--choose 'permission))
         (option (or (roo--option entry "allow_always")
                     (user-error "This can be approved only once"))))
    (roo--respond (plist-get entry :requestId) "allow_always")
    (roo--say "%s" (plist-get option :name))))

(defun roo-deny (why &optional id)
  "Refuse what waits (or ID), and say WHY, which may be empty."
  (interactive (let ((entry (roo--choose 'permission)))
                 (list (read-string (format "Why not %s? " (plist-get entry :title)))
                       (plist-get entry :requestId))))
  (roo--respond (or id (plist-get (roo--choose 'permission) :requestId)) "reject_once" why))

(defun roo-answer ()
  "Answer Roo's question, with one of its suggestions or anything else."
  (interactive)
  (let ((entry (roo--choose 'question)))
    (roo--reply (plist-get entry :requestId)
                (completing-read (format "%s " (plist-get entry :title))
                                 (plist-get entry :suggestions)))))

(defun roo--reply (id answer)
  "Answer the question ID with ANSWER."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.question.answer" (list :requestId id :answer answer)
                  (lambda (_result) (roo--refresh-pending connection)))))

(defun roo-decide ()
  "Ask here and now for a decision about what waits."
  (interactive)
  (let ((entry (roo--choose 'permission)))
    (pcase (car (read-multiple-choice (plist-get entry :title)
                                      '((?d "deny") (?a "approve") (?A "always approve")
                                        (?v "view all of it"))))
      (?a (roo--respond (plist-get entry :requestId) "allow_once"))
      (?A (roo-always))
      (?d (roo-deny (read-string "Why not? ") (plist-get entry :requestId)))
      (?v (roo--details entry)))))

(defun roo-details ()
  "Show all of what waits."
  (interactive)
  (roo--details (roo--choose 'permission)))

(defun roo--details (entry)
  "Show all of ENTRY, which waits for the user."
  (let* ((call (gethash (plist-get (plist-get entry :toolCall) :toolCallId)
                        (if-let ((transcript (roo--transcript (roo--require))))
                            (buffer-local-value 'roo--entries transcript)
                          (make-hash-table))))
         (body (and call (roo--body call))))
    (with-help-window "*roo details*"
      (with-current-buffer standard-output
        (insert (propertize (plist-get entry :title) 'face 'bold) "\n\n"
                (mapconcat #'identity (plist-get entry :detail) "\n") "\n")
        (when body (insert "\n" body "\n"))))))

(provide 'roo-waiting)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-waiting.el ends here
