;;; plain-eglot.el --- Roo by eglot alone, without the package  -*- lexical-binding: t; -*-

;; Eglot runs one server for a buffer: name the modes in which that shall be Roo.  For those that
;; have a server of their own take the package, which works beside eglot.
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((text-mode markdown-mode) . ("roo-lsp"))))

;; Roo asks before it edits; the eglot for Emacs 28 would ask once more.
(setq eglot-confirm-server-initiated-edits nil)

;; Eglot shows a dialog in the minibuffer and lets nothing else happen until it is answered: without
;; dialogs what waits is a note on the line, with code actions.  Name a model here, too, if you like.
(setq-default eglot-workspace-configuration
              '(:roo (:ui (:dialogs :json-false))))

(defun my-roo (command &rest argument)
  "Have Roo run COMMAND with ARGUMENT, a plist.
Not by `eglot-execute', which stops Emacs until the answer is there."
  (jsonrpc-async-request
   (or (eglot-current-server) (user-error "Roo does not run in this buffer: M-x eglot"))
   :workspace/executeCommand
   (list :command command :arguments (vector (or argument (make-hash-table))))
   :success-fn #'ignore
   :error-fn (lambda (problem) (message "Roo: %s" (plist-get problem :message)))))

(defun my-roo-start (prompt)
  "Have Roo do PROMPT."
  (interactive "sRoo: ")
  (my-roo "roo.task.start" :prompt prompt))

(defun my-roo-send (text)
  "Say TEXT to Roo: a follow-up, or the answer to its question."
  (interactive "sTo Roo: ")
  (my-roo "roo.task.send" :text text))

(defun my-roo-approve ()
  "Approve what waits."
  (interactive)
  (my-roo "roo.approval.respond" :decision "allow_once"))

(defun my-roo-deny (why)
  "Refuse what waits, and say WHY."
  (interactive "sWhy not? ")
  (my-roo "roo.approval.respond" :decision "reject_once" :feedback why))

(defun my-roo-cancel ()
  "Stop the task."
  (interactive)
  (my-roo "roo.task.cancel"))

(defun my-roo-transcript ()
  "Show what was said and done."
  (interactive)
  (my-roo "roo.task.open"))

;;; plain-eglot.el ends here
