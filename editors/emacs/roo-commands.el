;;; roo-commands.el --- Tasks: begun, gone on with, stopped  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What a user does most.

;;; Code:

(require 'roo-transcript)
(require 'roo-review)

(defvar roo--history nil
  "What was said to Roo.")

(defun roo-display-beside (buffer alist)
  "Show BUFFER at the right in a wide frame, else below, as ALIST says otherwise.
A function for `display-buffer'."
  (if (>= (frame-width) 140)
      (display-buffer-in-direction buffer `((direction . right) ,@alist))
    (display-buffer-in-direction buffer `((direction . below) (window-height . 0.55) ,@alist))))

(defun roo (prompt)
  "Start a task: have Roo do PROMPT.  With a region, Roo is pointed at it."
  (interactive (list (read-string (if (use-region-p) "Roo, about the region: " "Roo: ")
                                  nil 'roo--history)))
  (when (string-blank-p prompt)
    (user-error "Say what to do"))
  (let* ((connection (roo--ensure))
         (region (and (use-region-p) (cons (region-beginning) (region-end))))
         (place (and region buffer-file-name
                     (list :uri (roo--uri buffer-file-name)
                           :range (roo--range (car region) (cdr region)))))
         (words (if (and region (null place))
                    (format "%s\n\n```\n%s\n```" prompt
                            (buffer-substring-no-properties (car region) (cdr region)))
                  prompt)))
    (deactivate-mark)
    (roo--execute connection "roo.task.start"
                  (append (list :prompt words)
                          (and place (list :context (vector place)))
                          (and (roo--mode connection) (list :mode (roo--mode connection)))
                          (and (roo--profile connection)
                               (list :profile (roo--profile connection))))
                  (lambda (result)
                    (roo--show-task connection (plist-get result :taskId))))
    (setf (roo--task connection) nil
          (roo--line connection) "starting…")
    (with-current-buffer (roo--make-transcript connection) (roo--clear))
    (display-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-show ()
  "Show what Roo says and does, and go there."
  (interactive)
  (let ((connection (roo--ensure)))
    (unless (roo--task connection)
      (roo--execute connection "roo.task.list" '(:limit 1)
                    (lambda (tasks)
                      (when (and tasks (null (roo--task connection)))
                        (roo--show-task connection (plist-get (car tasks) :taskId))))))
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-send (text)
  "Say TEXT to Roo: a follow-up, or the answer to its question."
  (interactive (list (read-string "To Roo: " nil 'roo--history)))
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.send"
                  (append (list :text text)
                          (and (roo--task connection) (list :taskId (roo--task connection))))
                  (lambda (result)
                    (unless (roo--task connection)
                      (roo--show-task connection (plist-get result :taskId)))
                    (when (plist-get result :queued)
                      (roo--say "Roo hears it with the next request"))))))

(defun roo-cancel ()
  "Stop what Roo does."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.cancel"
                  (and (roo--task connection) (list :taskId (roo--task connection))))))

(defun roo-open ()
  "Show the whole task as a Markdown document."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.open"
                  (and (roo--task connection) (list :taskId (roo--task connection))))))

(defun roo-restart ()
  "Start the server of this project anew, with the settings as they are now."
  (interactive)
  (let* ((connection (roo--require))
         (task (roo--task connection))
         (transcript (roo--transcript connection)))
    (roo--stop connection)
    (maphash (lambda (_uri buffer)
               (when (buffer-live-p buffer)
                 (with-current-buffer buffer (setq roo--document nil))))
             (roo--documents connection))
    (clrhash (roo--documents connection))
    (let ((next (roo--start (roo--root connection))))
      (setf (roo--mode next) (roo--mode connection)
            (roo--profile next) (roo--profile connection))
      (when (and task transcript)
        (roo--show-task next task)))))

(defun roo-stop ()
  "End the server of this project."
  (interactive)
  (roo--stop (roo--require))
  (roo--say "Roo ended"))

(provide 'roo-commands)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-commands.el ends here
