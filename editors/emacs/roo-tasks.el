;;; roo-tasks.el --- The tasks of a project  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A list of all of them: show, resume, open, delete.

;;; Code:

(require 'tabulated-list)
(require 'roo-commands)

(defvar roo-tasks-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (pcase-dolist (`(,key . ,command)
                   '(("RET" . roo-tasks-show) ("r" . roo-tasks-resume)
                     ("d" . roo-tasks-delete) ("o" . roo-tasks-open)))
      (define-key map (kbd key) command))
    map)
  "Keys of the list of tasks.")

(define-derived-mode roo-tasks-mode tabulated-list-mode "Roo Tasks"
  "The tasks of a project.

\\{roo-tasks-mode-map}"
  (setq tabulated-list-format [("State" 8 t) ("Changed" 16 t) ("Mode" 9 t) ("Cost" 7 t)
                               ("Task" 0 t)]
        tabulated-list-padding 1
        revert-buffer-function (lambda (&rest _) (roo--list-tasks)))
  (tabulated-list-init-header))

(defun roo-tasks ()
  "List the tasks of this project: show, resume, open or delete them."
  (interactive)
  (let ((connection (roo--ensure)))
    (pop-to-buffer (format "*roo tasks: %s*" (roo--name connection)))
    (unless (derived-mode-p 'roo-tasks-mode) (roo-tasks-mode))
    (setq roo--connection connection
          default-directory (roo--root connection))
    (roo--list-tasks)))

(defun roo--list-tasks ()
  "Fill this list of tasks."
  (let ((buffer (current-buffer)))
    (roo--execute
     (roo--ensure) "roo.task.list" '(:limit 200)
     (lambda (tasks)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (setq tabulated-list-entries (mapcar #'roo--task-row tasks))
           (tabulated-list-print t)))))))

(defun roo--task-row (task)
  "TASK as a row of the list."
  (let ((state (plist-get task :state)))
    (list (plist-get task :taskId)
          (vector (propertize state 'face (pcase state
                                            ("running" 'roo-running)
                                            ("waiting" 'roo-waiting)
                                            ("failed" 'roo-failed)
                                            (_ 'roo-note)))
                  (format-time-string "%Y-%m-%d %H:%M" (plist-get task :updatedAt))
                  (plist-get task :mode)
                  (format "$%.2f" (plist-get task :cost))
                  (car (split-string (concat (plist-get task :title) "\n") "\n"))))))

(defun roo--task-at-point ()
  "The id of the task at point."
  (or (tabulated-list-get-id) (user-error "There is no task here")))

(defun roo-tasks-show ()
  "Show the task at point in the transcript."
  (interactive)
  (let ((connection (roo--require)) (task (roo--task-at-point)))
    (roo--show-task connection task)
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-tasks-resume ()
  "Go on with the task at point."
  (interactive)
  (let ((connection (roo--require)) (task (roo--task-at-point)))
    (roo--execute connection "roo.task.resume" (list :taskId task)
                  (lambda (_result) (roo--show-task connection task)))
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-tasks-open ()
  "Show the task at point as a Markdown document."
  (interactive)
  (roo--execute (roo--require) "roo.task.open" (list :taskId (roo--task-at-point))))

(defun roo-tasks-delete ()
  "Delete the task at point, for good."
  (interactive)
  (let ((task (roo--task-at-point)) (buffer (current-buffer)))
    (when (y-or-n-p "Delete this task for good? ")
      (roo--execute (roo--require) "roo.task.delete" (list :taskId task)
                    (lambda (_result)
                      (when (buffer-live-p buffer)
                        (with-current-buffer buffer (roo--list-tasks))))))))

(provide 'roo-tasks)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-tasks.el ends here
