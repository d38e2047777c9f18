;;; plain-lsp-mode.el --- Roo by lsp-mode alone, without the package  -*- lexical-binding: t; -*-

(with-eval-after-load 'lsp-mode
  ;; An add-on: it runs beside the server of the language, in every file.
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection '("roo-lsp"))
                    :activation-fn (lambda (file &rest _) (stringp file))
                    :server-id 'roo-lsp
                    :add-on? t
                    :multi-root t
                    :priority -2
                    ;; A dialog would take the minibuffer until it is answered.
                    :initialization-options '(:settings (:ui (:dialogs :json-false)))))
  (add-to-list 'lsp-language-id-configuration '(text-mode . "plaintext")))

(defun my-roo (command &rest argument)
  "Have Roo run COMMAND with ARGUMENT, a plist, and do not wait for it."
  (with-lsp-workspaces (seq-filter (lambda (each) (eq (lsp--workspace-server-id each) 'roo-lsp))
                                   (lsp-workspaces))
    (lsp-request-async "workspace/executeCommand"
                       (list :command command
                             :arguments (vector (or argument (make-hash-table))))
                       #'ignore
                       :mode 'detached
                       :error-handler (lambda (problem)
                                        (message "Roo: %s" (lsp-get problem :message))))))

(defun my-roo-start (prompt)
  "Have Roo do PROMPT."
  (interactive "sRoo: ")
  (my-roo "roo.task.start" :prompt prompt))

(defun my-roo-approve ()
  "Approve what waits."
  (interactive)
  (my-roo "roo.approval.respond" :decision "allow_once"))

(defun my-roo-deny (why)
  "Refuse what waits, and say WHY."
  (interactive "sWhy not? ")
  (my-roo "roo.approval.respond" :decision "reject_once" :feedback why))

;;; plain-lsp-mode.el ends here
