;; Roo in Emacs 29 or newer, with eglot: paste this into init.el, then M-x eglot in a file.
;;
;; Eglot runs one server for a buffer: name the modes in which that shall be Roo.

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((text-mode markdown-mode) . ("roo-lsp"))))

;; Empty: Ollama, LM Studio, llama.cpp or vLLM on this machine, and the only model that it serves.
(setq-default eglot-workspace-configuration
              '(:roo (:provider (:baseUrl "" :modelId ""))))

(defun roo--run (command &rest argument)
  "Have the server of this buffer run COMMAND with ARGUMENT, a plist."
  (jsonrpc-async-request
   (or (eglot-current-server) (user-error "Roo does not run in this buffer: M-x eglot"))
   :workspace/executeCommand
   (list :command command :arguments (vector (or argument (make-hash-table))))
   :success-fn #'ignore
   :error-fn (lambda (problem) (message "Roo: %s" (plist-get problem :message)))))

(defun roo (prompt)
  "Start a task."
  (interactive "sRoo: ")
  (roo--run "roo.task.start" :prompt prompt))

(defun roo-send (text)
  "Follow up, or answer a question."
  (interactive "sTo Roo: ")
  (roo--run "roo.task.send" :text text))

(defun roo-approve ()
  "Approve what waits."
  (interactive)
  (roo--run "roo.approval.respond" :decision "allow_once"))

(defun roo-deny (why)
  "Refuse what waits, and say WHY."
  (interactive "sWhy not? ")
  (roo--run "roo.approval.respond" :decision "reject_once" :feedback why))

(defun roo-cancel ()
  "Stop the task."
  (interactive)
  (roo--run "roo.task.cancel"))

(defun roo-open ()
  "Show what was said and done."
  (interactive)
  (roo--run "roo.task.open"))
