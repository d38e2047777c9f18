;;; roo-status.el --- Mode, profile, the endpoint  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What Roo would use, and whether it works.

;;; Code:

(require 'roo-commands)

(defun roo-set-mode ()
  "Choose the mode of the task that is shown, and of those to come."
  (interactive)
  (let ((connection (roo--ensure)))
    (roo--execute
     connection "roo.mode.list" nil
     (lambda (result)
       (roo--pick "Mode: " (mapcar (lambda (each) (plist-get each :slug))
                                   (plist-get result :modes))
                  (lambda (mode)
                    (setf (roo--mode connection) mode)
                    (when (roo--task connection)
                      (roo--execute connection "roo.mode.set"
                                    (list :mode mode :taskId (roo--task connection))))
                    (force-mode-line-update t)))))))

(defun roo-set-profile ()
  "Choose the profile (the model) of the task that is shown, and of those to come."
  (interactive)
  (let ((connection (roo--ensure)))
    (roo--execute
     connection "roo.profile.list" nil
     (lambda (result)
       (if (null (plist-get result :profiles))
           (roo--say "There are no profiles: set `:profiles' in `roo-settings'")
         (roo--pick "Profile: " (plist-get result :profiles)
                    (lambda (profile)
                      (setf (roo--profile connection) profile)
                      (when (roo--task connection)
                        (roo--execute connection "roo.profile.set"
                                      (list :profile profile
                                            :taskId (roo--task connection)))))))))))

(defun roo-mcp ()
  "Pick one of the MCP servers, to start it again or to switch it off."
  (interactive)
  (let ((connection (roo--ensure)))
    (roo--execute
     connection "roo.mcp.list" nil
     (lambda (servers)
       (if (null servers)
           (roo--say "No MCP server here: `:mcpServers', .roo/mcp.json, .mcp.json")
         (let ((lines (mapcar (lambda (each) (cons (roo--server-line each) each)) servers)))
           (roo--pick "MCP server: " (mapcar #'car lines)
                      (lambda (line)
                        (roo--switch-server connection (cdr (assoc line lines)))))))))))

(defun roo--server-line (server)
  "How SERVER is, on one line."
  (format "%s: %s, %s" (plist-get server :name) (plist-get server :state)
          (or (plist-get server :error)
              (format "%d tools" (length (plist-get server :tools))))))

(defun roo--switch-server (connection server)
  "Ask what CONNECTION is to do with SERVER, and tell how it is then."
  (roo--pick
   (format "%s: " (plist-get server :name)) '("start again" "switch off" "log in")
   (lambda (what)
     (roo--execute
      connection "roo.mcp.restart"
      (list :name (plist-get server :name) :wait t
            :enabled (if (equal what "switch off") :json-false t)
            :login (if (equal what "log in") t :json-false))
      (lambda (result) (roo--say "%s" (roo--server-line (car result))))))))

(defun roo-set-model ()
  "Choose the model, of those that the endpoint has, for all tasks from now on."
  (interactive)
  (let* ((connection (roo--ensure))
         (profile (roo--profile connection)))
    (roo--say "Roo asks the endpoint…")
    (roo--execute
     connection "roo.provider.models" (and profile (list :profile profile))
     (lambda (result)
       (roo--pick "Model: " (plist-get result :models)
                  (lambda (model) (roo--use-model connection profile model)))))))

(defun roo--use-model (connection profile model)
  "Have CONNECTION use MODEL, in PROFILE where that is one."
  (setq roo-settings
        (roo--with roo-settings
                   (append (and profile (list :profiles (intern (concat ":" profile))))
                           '(:provider :modelId))
                   model))
  (push (lambda () (roo--say-model connection model)) (roo--configured connection))
  (roo-settings-changed connection))

(defun roo--say-model (connection wanted)
  "Tell the user whether CONNECTION uses the model WANTED, and what to do."
  (roo--execute
   connection "roo.status" nil
   (lambda (status)
     (let ((model (plist-get status :model)))
       (if (or (equal model wanted) (roo--profile connection))
           (roo--say "The model is %s in this Emacs; `roo-settings' in your init file keeps it"
                     wanted)
         (roo--say "The model is still %s: what you set elsewhere goes before `roo-settings'"
                   model))))))

(defun roo--with (settings keys value)
  "A copy of SETTINGS, a plist of plists, with VALUE below KEYS."
  (if (null keys) value
    (let ((copy (copy-sequence settings)))
      (plist-put copy (car keys)
                 (roo--with (plist-get settings (car keys)) (cdr keys) value)))))

(defun roo-settings-changed (&optional connection)
  "Tell the server of CONNECTION, or every one, that `roo-settings' is another."
  (interactive)
  (dolist (each (if connection (list connection) roo--connections))
    (roo--write each (list :method "workspace/didChangeConfiguration"
                           :params (list :settings (list :roo (or roo-settings
                                                                  (make-hash-table))))))))

(defconst roo--kinds '("read" "readOutside" "edit" "editOutside" "editProtected" "execute")
  "What can be approved without a question, as `autoApprove' has it.")

(defun roo-auto-approve ()
  "Switch on or off that a kind of action is approved without a question.
It holds until the server ends."
  (interactive)
  (let ((connection (roo--require))
        (kind (completing-read "Approve without a question, or ask again: " roo--kinds nil t)))
    (roo--execute
     connection "roo.status" nil
     (lambda (status)
       (let ((on (not (member kind (roo--unasked status)))))
         (roo--execute
          connection "roo.approval.auto" (list :kind kind :on (if on t :json-false))
          (lambda (result)
            (setf (roo--auto connection) (remove "read" (roo--unasked result)))
            (force-mode-line-update t)
            (roo--say (if on "Roo does not ask before: %s" "Roo asks before: %s") kind))))))))

(defun roo--unasked (result)
  "The kinds of actions that RESULT of the server lets run without a question."
  (cl-loop for (key value) on (plist-get result :autoApprove) by #'cddr
           when (eq value t) collect (substring (symbol-name key) 1)))

(defun roo--pick (prompt choices then)
  "Read with PROMPT one of CHOICES, a bit later, and do THEN with it."
  (run-at-time 0 nil (lambda () (funcall then (completing-read prompt choices nil t)))))

(defun roo-status ()
  "Show what Roo is, where it works and what it would use."
  (interactive)
  (roo--execute
   (roo--ensure) "roo.status" nil
   (lambda (status)
     (let ((provider (plist-get status :provider)))
       (roo--report
        "*roo status*"
        `(("Roo" ,(plist-get status :version))
          ("Workspace" ,(mapconcat #'abbreviate-file-name (plist-get status :workspace) ", "))
          ("Endpoint" ,(roo--or (plist-get provider :baseUrl) "what runs on this machine"))
          ("Model" ,(roo--or (plist-get status :model) "the only one there"))
          ("Mode" ,(plist-get status :mode))
          ("Profile" ,(roo--or (plist-get status :profile) "none"))
          ,@(mapcar (lambda (each) (list "Task" (format "%s: %s" (plist-get each :state)
                                                        (plist-get each :title))))
                    (plist-get status :tasks))
          ,@(mapcar (lambda (each) (list "Waits" (plist-get each :title)))
                    (plist-get status :pending))
          ,@(mapcar (lambda (each) (list "Setting" (format "%s: %s" (plist-get each :path)
                                                           (plist-get each :problem))))
                    (plist-get status :settingsProblems))))))))

(defun roo--or (text otherwise)
  "TEXT, or OTHERWISE where it is empty."
  (if (or (null text) (string-empty-p text)) otherwise text))

(defun roo-doctor ()
  "Try the endpoint and the model, and show what works and what does not."
  (interactive)
  (roo--say "Roo asks the endpoint…")
  (roo--execute
   (roo--ensure) "roo.provider.test" '(:wait t)
   (lambda (report)
     (roo--report
      "*roo doctor*"
      `(("Endpoint" ,(roo--or (plist-get report :endpoint) "none found"))
        ("Model" ,(roo--or (plist-get report :model) "none"))
        ,@(mapcar (lambda (each)
                    (list (plist-get each :name)
                          (concat (pcase (plist-get each :status)
                                    ("ok" (propertize "✓ " 'face 'roo-done))
                                    ("failed" (propertize "✗ " 'face 'roo-failed))
                                    (_ (propertize "– " 'face 'roo-note)))
                                  (plist-get each :message)
                                  (if-let ((hint (plist-get each :hint)))
                                      (concat "  " hint)
                                    ""))))
                  (plist-get report :checks)))
      (if (plist-get report :ok) "A task can run." "A task cannot run yet.")))))

(defun roo--report (name rows &optional verdict)
  "Show ROWS, each a name and a text, in the buffer NAME, and VERDICT below."
  (with-help-window name
    (with-current-buffer standard-output
      (pcase-dolist (`(,title ,text) rows)
        (insert (propertize (format "%-12s" title) 'face 'bold) (or text "") "\n"))
      (when verdict (insert "\n" verdict "\n")))))

(provide 'roo-status)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-status.el ends here
