;;; roo-commands.el --- Tasks: begun, gone on with, stopped  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What a user does most.

;;; Code:

(require 'roo-compose)
(require 'roo-review)

(defun roo (prompt)
  "Start a task: have Roo do PROMPT.  With a region, Roo is pointed at it."
  (interactive (list (roo--read (if (use-region-p) "Roo, about the region: " "Roo: "))))
  (let* ((connection (roo--ensure))
         (place (and (use-region-p) buffer-file-name
                     (roo--place (region-beginning) (region-end))))
         (words (if (and (use-region-p) (null place))
                    (format "%s\n\n%s" prompt (roo--quoted))
                  prompt)))
    (deactivate-mark)
    (roo--submit connection words (and place (list place)) t)))

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
  (interactive (list (roo--read "To Roo: ")))
  (let ((connection (roo--require)))
    (unless (roo--task connection)
      (user-error "No task is shown: M-x roo starts one, M-x roo-tasks lists them"))
    (roo--submit connection text)))

(defun roo--of-task (connection)
  "The shown task of CONNECTION as an argument of a command."
  (and (roo--task connection) (list :taskId (roo--task connection))))

(defun roo-cancel ()
  "Stop what Roo does."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.cancel" (roo--of-task connection))))

(defun roo-condense ()
  "Shorten the conversation of the shown task now."
  (interactive)
  (let ((connection (roo--require)))
    (unless (roo--task connection) (user-error "No task is shown: M-x roo-tasks lists them"))
    (roo--execute connection "roo.task.condense" (roo--of-task connection)
                  (lambda (tokens)
                    (roo--say "Condensed: %d to %d tokens"
                              (plist-get tokens :before) (plist-get tokens :after))))))

(defun roo-resume ()
  "Go on with the shown task from where it stopped."
  (interactive)
  (let ((connection (roo--require)))
    (unless (roo--task connection) (user-error "No task is shown: M-x roo-tasks lists them"))
    (setf (roo--interrupted connection) nil)
    (roo--draw-footer-of connection)
    (roo--execute connection "roo.task.resume" (roo--of-task connection))))

(defun roo-open ()
  "Show the whole task as a Markdown document."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.open" (roo--of-task connection))))

(defun roo-export (file)
  "Write all of the shown task to FILE.
That is JSON where its name ends in .json, else Markdown."
  (interactive (list (read-file-name "Export the task to: ")))
  (let ((connection (roo--require)) (file (expand-file-name file)))
    (unless (or (not (file-exists-p file))
                (y-or-n-p (format "%s is there.  Replace it? " (abbreviate-file-name file))))
      (user-error "Nothing is written"))
    (roo--execute connection "roo.task.export"
                  (append (roo--of-task connection)
                          (list :format (if (string-suffix-p ".json" file) "json" "md")))
                  (lambda (result)
                    (with-temp-buffer
                      (insert (plist-get result :text))
                      (let ((coding-system-for-write 'utf-8-unix))
                        (write-region nil nil file nil 'quiet)))
                    (roo--say "Wrote %s" (abbreviate-file-name file))))))

(defun roo-add-folder (folder)
  "Have FOLDER be one more of this workspace, until its server is stopped."
  (interactive "DAdd to the workspace: ")
  (let* ((connection (roo--ensure))
         (folder (file-name-as-directory (file-truename folder))))
    (when (eq (roo--find folder) connection) (user-error "%s is in it already" folder))
    (setf (roo--folders connection) (append (roo--folders connection) (list folder)))
    (roo--change-folders connection (list folder) nil)
    (roo--open-all connection)))

(defun roo-remove-folder (folder)
  "Take FOLDER out of this workspace again."
  (interactive (list (completing-read "Remove from the workspace: "
                                      (cdr (roo--folders (roo--require))) nil t)))
  (let ((connection (roo--require)))
    (dolist (buffer (hash-table-values (roo--documents connection)))
      (when (and (buffer-live-p buffer) (string-prefix-p folder (buffer-file-name buffer)))
        (with-current-buffer buffer (roo--close))))
    (setf (roo--folders connection) (delete folder (roo--folders connection)))
    (roo--change-folders connection nil (list folder))))

(defun roo--change-folders (connection added removed)
  "Tell the server of CONNECTION that folders were ADDED and REMOVED."
  (when (roo--ready connection)
    (roo--write connection
                (list :method "workspace/didChangeWorkspaceFolders"
                      :params (list :event
                                    (list :added (vconcat (mapcar #'roo--folder-as-told added))
                                          :removed (vconcat (mapcar #'roo--folder-as-told
                                                                    removed))))))))

(defun roo-restart ()
  "Start the server of this project anew, with the settings as they are now."
  (interactive)
  (if-let ((connection (roo--current)))
      (progn
        (roo--stop connection)
        (roo--forget-documents connection)
        (setf (alist-get (roo--root connection) roo--past nil nil #'equal) connection)
        (roo--start (roo--root connection)))
    (roo--ensure)))

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
