;;; roo-checkpoints.el --- Back to how it was  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; The checkpoints of the shown task: what changed since each, and the way back there.

;;; Code:

(require 'tabulated-list)
(require 'roo-commands)

(defvar-local roo--checkpoints-of nil
  "The task whose checkpoints this buffer lists.")

(defvar roo-checkpoints-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (pcase-dolist (`(,key . ,command)
                   '(("RET" . roo-checkpoint-diff) ("d" . roo-checkpoint-diff)
                     ("r" . roo-checkpoint-restore) ("R" . roo-checkpoint-restore-all)))
      (define-key map (kbd key) command))
    map)
  "Keys of the list of checkpoints.")

(define-derived-mode roo-checkpoints-mode tabulated-list-mode "Roo Checkpoints"
  "The checkpoints of a task.

\\{roo-checkpoints-mode-map}"
  (setq tabulated-list-format [("Taken" 17 t) ("Checkpoint" 0 t)]
        tabulated-list-padding 1
        revert-buffer-function (lambda (&rest _) (roo--list-checkpoints))
        header-line-format nil)
  (tabulated-list-init-header))

(defun roo-checkpoints ()
  "List the checkpoints of the shown task: see what changed since, go back."
  (interactive)
  (let ((connection (roo--require)))
    (unless (roo--task connection) (user-error "No task is shown: M-x roo-tasks lists them"))
    (pop-to-buffer (format "*roo checkpoints: %s*" (roo--name connection)))
    (unless (derived-mode-p 'roo-checkpoints-mode) (roo-checkpoints-mode))
    (setq roo--connection connection
          roo--checkpoints-of (roo--task connection)
          default-directory (roo--root connection))
    (roo--list-checkpoints)))

(defun roo--list-checkpoints ()
  "Fill this list of checkpoints."
  (let ((buffer (current-buffer)))
    (roo--execute
     (roo--ensure) "roo.checkpoint.list" (list :taskId roo--checkpoints-of)
     (lambda (checkpoints)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (setq tabulated-list-entries (mapcar #'roo--checkpoint-row (reverse checkpoints)))
           (tabulated-list-print t)
           (unless checkpoints
             (roo--say "This task has no checkpoints yet"))))))))

(defun roo--checkpoint-row (checkpoint)
  "CHECKPOINT as a row of the list."
  (list (plist-get checkpoint :checkpointId)
        (vector (format-time-string "%Y-%m-%d %H:%M" (plist-get checkpoint :createdAt))
                (or (plist-get checkpoint :label) ""))))

(defun roo--checkpoint ()
  "The checkpoint at point, as an argument of a command."
  (let ((id (or (and (derived-mode-p 'roo-checkpoints-mode) (tabulated-list-get-id))
                (get-text-property (point) 'roo-checkpoint)
                (user-error "There is no checkpoint here"))))
    (list :taskId (or roo--checkpoints-of (roo--task (roo--require))) :checkpointId id)))

(defun roo-checkpoint-diff ()
  "Show what changed since the checkpoint at point."
  (interactive)
  (roo--execute (roo--require) "roo.checkpoint.diff" (roo--checkpoint)
                (lambda (result)
                  (when (string-empty-p (or (plist-get result :diff) ""))
                    (roo--say "Nothing changed since")))))

(defun roo--restore (conversation)
  "Put the files back to the checkpoint at point, with CONVERSATION that too."
  (let ((connection (roo--require)) (checkpoint (roo--checkpoint)))
    (when (yes-or-no-p (if conversation
                           "Put back the files, and forget what was said since? "
                         "Put back the files as they were then? "))
      (roo--execute connection "roo.checkpoint.restore"
                    (append checkpoint (and conversation '(:conversation t)))
                    (lambda (result)
                      (roo--revert-unchanged connection)
                      (roo--show-task connection nil)
                      (roo--say "%s" (roo--put-back result)))))))

(defun roo--put-back (result)
  "What became of files that went back, as RESULT of the server has it."
  (let ((unsaved (plist-get result :unsaved)))
    (concat
     (format "%d files are as they were then" (length (plist-get result :restored)))
     (unless (seq-empty-p unsaved)
       (format "; not on disk before you save: %s"
               (mapconcat #'file-name-nondirectory unsaved ", ")))
     (mapconcat (lambda (left)
                  (format "; left as it is: %s: %s"
                          (file-name-nondirectory (plist-get left :uri)) (plist-get left :reason)))
                (plist-get result :left) ""))))

(defun roo-checkpoint-restore ()
  "Put the files back to how they were at the checkpoint at point."
  (interactive)
  (roo--restore nil))

(defun roo-checkpoint-restore-all ()
  "Put the files and the conversation back to the checkpoint at point."
  (interactive)
  (roo--restore t))

(provide 'roo-checkpoints)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-checkpoints.el ends here
