;;; roo-server.el --- The server as a process  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; One for each project: started when it is needed, ended with Emacs, and started again where it
;; ended by itself.

;;; Code:

(require 'project)
(require 'roo-connection)
(require 'roo-paths)

;; Whoever lets a server end forgets nothing: the next one of that folder takes over.

(defvar roo--past nil
  "The last connection of each folder that has ended: an alist by that folder.")

(defvar roo--taken-over-functions nil
  "Called with a connection that has taken over from an ended one.")

(defun roo--require ()
  "The connection for this buffer, or an error that says what to do."
  (or (roo--current)
      (and roo--past (assoc (roo--folder) roo--past) (roo--ensure))
      (user-error "Roo does not run here: M-x roo starts a task")))

(defun roo--folder ()
  "The folder that a server for this buffer would have, with a slash at the end."
  (file-name-as-directory
   (file-truename (if roo--connection
                      (roo--root roo--connection)
                    (let ((project (project-current)))
                      (if project (project-root project) default-directory))))))

(defun roo--ensure ()
  "The connection for this buffer, started where there is none."
  (or (roo--current)
      (roo--start (if (file-remote-p default-directory) default-directory (roo--folder)))))

(defun roo--folders-of (path)
  "The folders of the workspace that PATH is in."
  (when-let ((connection (roo--find path)))
    (roo--folders connection)))

(setq roo--folders-function #'roo--folders-of)

(defun roo--start (folder)
  "Start the server for the project in FOLDER; the connection."
  (when (file-remote-p folder)
    (user-error "Roo works on this machine only; %s is on another" folder))
  (unless (and (fboundp 'json-available-p) (json-available-p))
    (user-error "Roo needs an Emacs with JSON support"))
  (unless (executable-find (car roo-command))
    (user-error "%s was not found: install it (uv tool install . in its clone) or set `roo-command'"
                (car roo-command)))
  (let* ((default-directory (file-name-as-directory (file-truename folder)))
         (name (file-name-nondirectory (directory-file-name default-directory)))
         (old (cdr (assoc default-directory roo--past)))
         (connection (make-roo--connection
                      :root default-directory :name name
                      :folders (if old (roo--folders old) (list default-directory)))))
    (with-current-buffer (roo--incoming connection)
      (set-buffer-multibyte nil))
    (setf (roo--process connection)
          (make-process
           :name (format "roo %s" name)
           :command roo-command
           :connection-type 'pipe
           :coding 'binary
           :noquery t
           :stderr (get-buffer-create (format " *roo log: %s*" name) t)
           :filter (lambda (_process bytes) (roo--receive connection bytes))
           :sentinel (lambda (process _change)
                       (unless (process-live-p process) (roo--ended connection)))))
    (let ((log (get-buffer-process (format " *roo log: %s*" name))))
      (when log
        (set-process-query-on-exit-flag log nil)
        (set-process-sentinel log #'ignore)))
    (push connection roo--connections)
    (roo--initialize connection)
    (add-hook 'kill-emacs-hook #'roo--stop-all)
    (run-hook-with-args 'roo--started-functions connection)
    (when old
      (setf (alist-get default-directory roo--past nil t #'equal) nil)
      (roo--take-over connection old))
    connection))

(defun roo--take-over (connection old)
  "Have CONNECTION go on where OLD, of the same folder, has ended."
  (setf (roo--mode connection) (roo--mode old)
        (roo--profile connection) (roo--profile old)
        (roo--task connection) (roo--task old)
        (roo--restarts connection) (roo--restarts old)
        (roo--interrupted connection)
        (or (roo--interrupted old)
            (and (member (plist-get (alist-get (roo--task old) (roo--tasks old) nil nil #'equal)
                                    :state)
                         '("running" "waiting"))
                 (roo--task old))))
  (run-hook-with-args 'roo--taken-over-functions connection))

(defun roo--folder-as-told (folder)
  "FOLDER of a workspace in the words of LSP."
  (let ((name (directory-file-name folder)))
    (list :uri (roo--uri name) :name (file-name-nondirectory name))))

(defun roo--on-folders (connection _params reply)
  "Tell REPLY the folders of the workspace of CONNECTION."
  (funcall reply (vconcat (mapcar #'roo--folder-as-told (roo--folders connection)))))

(roo--does "workspace/workspaceFolders" #'roo--on-folders)

(defun roo--initialize (connection)
  "Shake hands with the server of CONNECTION, then send it what waits."
  (let ((uri (roo--uri (directory-file-name (roo--root connection)))))
    (roo--send-request
     connection "initialize"
     (list :processId (emacs-pid)
           :clientInfo (list :name "Emacs" :version emacs-version)
           :rootUri uri
           :workspaceFolders (vconcat (mapcar #'roo--folder-as-told (roo--folders connection)))
           :capabilities (roo--capabilities)
           :initializationOptions (list :settings (or roo-settings (make-hash-table))
                                        :client (list :extensions roo--extensions)))
     (lambda (_result)
       (roo--write connection (list :method "initialized" :params (make-hash-table)))
       (setf (roo--ready connection) t)
       (run-hook-with-args 'roo--ready-functions connection)
       (dolist (message (nreverse (roo--waiting connection)))
         (roo--write connection message))
       (setf (roo--waiting connection) nil))
     (lambda (problem)
       (unless (roo--over-p connection)
         (roo--say "Roo did not start: %s" (plist-get problem :message)))))))

(defun roo--ended (connection)
  "Clean up after the server of CONNECTION.
One that ended by itself is started again."
  (let ((unexpected (memq connection roo--connections)))
    (setq roo--connections (delq connection roo--connections))
    (dolist (timer (list (roo--sync-timer connection) (roo--changes-timer connection)))
      (when timer (cancel-timer timer)))
    (when (buffer-live-p (roo--incoming connection))
      (kill-buffer (roo--incoming connection)))
    (setf (roo--pending connection) nil
          (roo--line connection) "not running")
    (unless (roo--find (roo--root connection))
      (setf (alist-get (roo--root connection) roo--past nil nil #'equal) connection))
    (run-hook-with-args 'roo--ended-functions connection)
    (unless roo--connections (remove-hook 'kill-emacs-hook #'roo--stop-all))
    (roo--fail-all connection)
    (when unexpected (roo--recover connection))
    (force-mode-line-update t)))

(defconst roo--most-restarts 3
  "How often in one minute a server that ended by itself is started again.")

(defun roo--recover (connection)
  "Start the server of CONNECTION again, which has ended by itself, or say why not."
  (let* ((process (roo--process connection))
         (how (format (if (eq (process-status process) 'signal) "by signal %d" "with exit code %d")
                      (process-exit-status process)))
         (recent (seq-filter (lambda (time) (< (- (float-time) time) 60))
                             (roo--restarts connection)))
         (log (format " *roo log: %s*" (roo--name connection)))
         (advice (substitute-command-keys
                  (format "See the buffer `%s'; \\[roo-restart] tries again" log))))
    (setf (roo--restarts connection) (cons (float-time) recent))
    (cond
     ((not (roo--ready connection))
      (roo--say "Roo ended %s before it was ready.  %s" how advice))
     ((>= (length recent) roo--most-restarts)
      (roo--say "Roo ended %s, again.  %s" how advice))
     (t
      (condition-case problem
          (let ((next (roo--start (roo--root connection))))
            (roo--say "Roo ended %s and was started again%s" how
                      (if (roo--interrupted next)
                          (substitute-command-keys ": \\[roo-resume] goes on with the task")
                        "")))
        (error (roo--say "Roo ended %s.  %s" how (error-message-string problem))))))))

(defun roo--stop (connection)
  "End the server of CONNECTION the way LSP wants it, without waiting."
  (setq roo--connections (delq connection roo--connections))
  (let ((end (lambda (&rest _)
               (when (roo--live-p connection)
                 (roo--write connection '(:method "exit"))
                 ;; It may have ended by now.
                 (ignore-errors (process-send-eof (roo--process connection)))))))
    (if (roo--ready connection)
        (roo--send-request connection "shutdown" nil end end)
      (funcall end))))

(defun roo--stop-all ()
  "End every server: Emacs ends."
  (dolist (connection roo--connections)
    (ignore-errors
      (roo--write connection '(:id 0 :method "shutdown"))
      (roo--write connection '(:method "exit")))))

(provide 'roo-server)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-server.el ends here
