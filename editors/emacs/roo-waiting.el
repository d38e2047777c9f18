;;; roo-waiting.el --- What waits for the user, and their answers  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Approvals and questions: told once, counted in the mode line, and shown with their answers
;; below the conversation, whichever task is shown.

;;; Code:

(require 'roo-documents)
(require 'roo-drawing)
(require 'roo-events)

(declare-function roo-answer "roo-answers")
(declare-function roo-deny "roo-answers")
(declare-function roo--details "roo-answers")
(declare-function roo-show "roo-commands")
(declare-function roo--show-task "roo-transcript")
(declare-function roo-resume "roo-commands")

(defun roo--waiting-event (connection event)
  "Look after what waits in CONNECTION where EVENT may have changed it."
  (when (and (equal (plist-get event :taskId) (roo--interrupted connection))
             (equal (plist-get (plist-get event :update) :sessionUpdate) "_state"))
    (setf (roo--interrupted connection) nil)
    (roo--draw-footer-of connection))
  (when (member (plist-get (plist-get event :update) :sessionUpdate)
                '("_state" "_permission" "_question"))
    (roo--refresh-pending connection)))

(add-hook 'roo--event-functions #'roo--waiting-event)
(add-hook 'roo--ready-functions #'roo--refresh-pending)

(defun roo--refresh-pending (connection)
  "Ask the server of CONNECTION what waits for the user, and show it."
  (roo--execute
   connection "roo.approval.list" nil
   (lambda (entries)
     (setf (roo--pending connection) entries)
     (roo--draw-queued)                 ; what led to the question is above it
     (roo--draw-footer-of connection)
     (roo--tell connection)
     (force-mode-line-update t))))

(defun roo--tell (connection)
  "Tell the user what waits in CONNECTION, each once.
Whoever types in the minibuffer is told afterwards."
  (unless (active-minibuffer-window)
    (dolist (entry (roo--pending connection))
      (let ((id (plist-get entry :requestId)))
        (unless (member id (roo--told connection))
          (push id (roo--told connection))
          (roo--say "%s" (roo--call-for-you entry)))))))

(defun roo--tell-later ()
  "Tell what came while the minibuffer was in use, once it is not."
  (run-at-time 0 nil (lambda () (mapc #'roo--tell roo--connections))))

(add-hook 'minibuffer-exit-hook #'roo--tell-later)

(defun roo--call-for-you (entry)
  "One line that says that ENTRY waits, and what to do."
  (let ((question (equal (plist-get entry :kind) "question")))
    (format "Roo %s: %s%s  (%s)"
            (if question "asks" "waits for you")
            (truncate-string-to-width (car (split-string (plist-get entry :title) "\n")) 60 nil nil t)
            (if (roo--read-only entry) " (read-only in Emacs)" "")
            (substitute-command-keys
             (if question "\\[roo-answer]" "\\[roo-approve], \\[roo-deny]")))))

(defun roo--read-only (entry)
  "The names of the files of ENTRY, an edit, that are read-only in Emacs."
  (let ((call (plist-get entry :toolCall)))
    (when (equal (plist-get call :kind) "edit")
      (cl-loop for location in (plist-get call :locations)
               for buffer = (find-buffer-visiting (plist-get location :path))
               when (and buffer (buffer-local-value 'buffer-read-only buffer))
               collect (roo--shown (plist-get location :path))))))

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
           (running (seq-some (lambda (each)
                                (and (equal (plist-get (cdr each) :state) "running")
                                     (not (equal (car each) (roo--interrupted connection)))))
                              (roo--tasks connection)))
           (text (concat (cond ((> waiting 0) (format "Roo:%d?" waiting))
                               (running "Roo:…")
                               (t "Roo"))
                         ;; What is not asked any more is seen as long as it is so.
                         (and (roo--auto connection)
                              (format " !%s" (string-join (roo--auto connection) ","))))))
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

(defun roo--others-of (connection)
  "What waits for the user in other tasks than the shown one of CONNECTION."
  (seq-difference (roo--pending connection) (roo--ours-of connection)))

(defvar roo--footer-functions nil
  "What is below the conversation, in this order.
Each is called with a connection that runs, and gives a list of pieces,
each a cons of what it depends on and the function that inserts it.")

(defun roo--draw-footer ()
  "Show below the conversation what waits for the user."
  (let* ((connection roo--connection)
         (pieces (and (memq connection roo--connections)
                      (mapcan (lambda (each) (funcall each connection)) roo--footer-functions)))
         (shown (mapcar #'car pieces)))
    (unless (equal shown roo--footer-drawn)
      (setq roo--footer-drawn shown)
      (roo--drawing
       (lambda ()
         (delete-region roo--footer (point-max))
         (goto-char roo--footer)
         (let ((start (point)))
           (unless (or (bobp) (null pieces))
             (insert (if (bolp) "\n" "\n\n")))
           (setq roo--footer-bare (and (bobp) pieces t))
           (dolist (piece pieces) (funcall (cdr piece)))
           (set-marker roo--footer start)))))))

(defun roo--waiting-pieces (connection)
  "What waits for the user in CONNECTION, as pieces of the footer."
  (let ((entries (roo--ours-of connection)) (task (roo--task connection)))
    (append
     (mapcar (lambda (entry)
               (cons (list entry (cdr entries) (roo--read-only entry))
                     (lambda () (roo--insert-waiting entry (cdr entries)))))
             entries)
     (mapcar (lambda (entry) (cons (list 'other entry) (lambda () (roo--insert-other entry))))
             (roo--others-of connection))
     (and task (null entries) (equal (roo--interrupted connection) task)
          (list (cons 'interrupted #'roo--insert-interrupted))))))

(add-hook 'roo--footer-functions #'roo--waiting-pieces 90)

(defun roo--draw-footer-of (connection)
  "Show what waits in the transcript of CONNECTION."
  (when-let ((transcript (roo--transcript connection)))
    (with-current-buffer transcript (roo--draw-footer))))

(add-hook 'roo--ended-functions #'roo--draw-footer-of)

(defun roo--barred (draw &rest properties)
  "Call DRAW, which inserts something that waits, and put a bar before it.
It gets the text PROPERTIES."
  (let ((bar (propertize "┃ " 'face 'roo-waiting)) (beg (point)))
    (funcall draw)
    (insert "\n")
    (add-text-properties beg (point) (append (list 'line-prefix bar 'wrap-prefix bar)
                                             properties))))

(defun roo--insert-interrupted ()
  "Add that the shown task was interrupted, and a button that goes on with it."
  (roo--barred (lambda ()
                 (insert (propertize "Roo ended in the middle of this." 'face 'roo-waiting) "\n")
                 (roo--button "Resume" "" #'roo-resume))))

(defun roo--insert-other (entry)
  "Add that ENTRY waits, which is of another task than the shown one."
  (let ((connection roo--connection) (task (plist-get entry :taskId)))
    (roo--barred
     (lambda ()
       (insert (propertize (format "Another task waits for you: %s  "
                                   (car (split-string (plist-get entry :title) "\n")))
                           'face 'roo-note))
       (roo--button "Go to it" "" (lambda () (roo--show-task connection task)))))))

(defun roo--insert-waiting (entry &optional several)
  "Add ENTRY, which waits for the user, with its answers as buttons.
Where SEVERAL wait, a question is said again above its answers."
  (let ((id (plist-get entry :requestId)))
    (roo--barred
     (if (equal (plist-get entry :kind) "question")
         (lambda () (roo--insert-question entry several))
       (lambda () (roo--insert-permission entry)))
     'roo-waiting id)))

(defun roo--insert-question (entry several)
  "Add ENTRY, a question, with what it says where SEVERAL things wait."
  (let ((id (plist-get entry :requestId)))
    (insert (propertize (if several (plist-get entry :title) "Your answer?") 'face 'roo-waiting)
            "\n")
    (dolist (each (plist-get entry :suggestions))
      (roo--button each "" (lambda () (roo--reply id each)))
      (insert "\n"))
    (roo--button "Something else…" "RET" (lambda () (roo-answer id)))))

(defconst roo--detail-lines 10
  "How many lines of what waits are shown below the conversation.")

(defun roo--insert-permission (entry)
  "Add ENTRY, which waits for a decision."
  (let* ((id (plist-get entry :requestId))
         (lines (seq-remove (lambda (each) (string-suffix-p each (plist-get entry :title)))
                            (mapcar #'roo--shortened (plist-get entry :detail))))
         (more (- (length lines) roo--detail-lines)))
    (insert (propertize (plist-get entry :title) 'face 'roo-waiting) "\n")
    (dolist (line (seq-take lines roo--detail-lines))
      (insert (propertize line 'face 'roo-note) "\n"))
    (when (> more 0)
      (insert (propertize (format "… and %d more lines: see the details" more) 'face 'roo-failed)
              "\n"))
    (dolist (name (roo--read-only entry))
      (insert (propertize (format "%s is read-only in Emacs: as long as it is, the edit fails" name)
                          'face 'roo-failed)
              "\n"))
    (roo--button "Approve" "a" (lambda () (roo--respond id "allow_once")))
    (let ((first "Always"))
      (dolist (option (roo--always-options entry))
        (roo--button first (if (equal first "Always") "A" "")
                     (lambda () (roo--respond id (plist-get option :optionId)))
                     (plist-get option :name))
        (setq first "Always the like")))
    (roo--button "Deny" "d" (lambda () (roo-deny (read-string "Why not? ") id)))
    (roo--button "Details" "v" (lambda () (roo--details entry)))))

(defun roo--shortened (line)
  "LINE with paths in the project of this buffer as they are named there."
  (let ((folders (roo--folders roo--connection)))
    (dolist (folder folders line)
      (let ((name (concat (file-name-nondirectory (directory-file-name folder)) "/")))
        (setq line (string-replace (directory-file-name folder) name
                                   (string-replace folder (if (cdr folders) name "") line)))))))

(defun roo--always-options (entry)
  "The options of ENTRY that approve the like of it as well."
  (seq-filter (lambda (each) (equal (plist-get each :kind) "allow_always"))
              (plist-get entry :options)))

(defun roo--button (label key action &optional help)
  "Insert a button with LABEL and the KEY that does the same, which calls ACTION.
HELP is what it says in more words."
  (insert-text-button (format "[%s]" label)
                      'face 'roo-button 'follow-link t 'help-echo help
                      'action (lambda (_button) (call-interactively
                                                 (if (commandp action) action
                                                   (lambda () (interactive) (funcall action))))))
  (insert (if (string-empty-p key) "" (propertize (concat " " key) 'face 'roo-note)) "  "))

(defun roo--respond (id decision &optional feedback)
  "Settle the request ID by DECISION; FEEDBACK goes to the model."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.approval.respond"
                  (append (list :requestId id :decision decision)
                          (and feedback (not (string-blank-p feedback))
                               (list :feedback feedback)))
                  (lambda (_result) (roo--refresh-pending connection)))))

(defun roo--reply (id answer)
  "Answer the question ID with ANSWER."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.question.answer" (list :requestId id :answer answer)
                  (lambda (_result) (roo--refresh-pending connection)))))

(provide 'roo-waiting)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-waiting.el ends here
