;;; roo-diagnostics.el --- What others say of the open files  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; The diagnostics of flymake and flycheck, for Roo.

;;; Code:

(require 'roo-others)

(defvar flycheck-current-errors)
(declare-function flymake-diagnostics "flymake")
(declare-function flymake-diagnostic-beg "flymake")
(declare-function flymake-diagnostic-end "flymake")
(declare-function flymake-diagnostic-text "flymake")
(declare-function flymake-diagnostic-type "flymake")
(declare-function flymake-diagnostic-backend "flymake")
(declare-function flymake--lookup-type-property "flymake")
(declare-function flycheck-error-level "ext:flycheck")
(declare-function flycheck-error-message "ext:flycheck")
(declare-function flycheck-error-checker "ext:flycheck")
(declare-function flycheck-error-region-for-mode "ext:flycheck")

(defvar roo--published nil
  "Functions that wait for the next diagnostics of eglot or lsp-mode.")

(defun roo--publish (&rest _)
  "Let those go on that wait for diagnostics, once the buffers have them."
  (let ((waiting roo--published))
    (setq roo--published nil)
    (dolist (each waiting)
      (run-at-time 0.1 nil each))))

(with-eval-after-load 'eglot
  ;; Eglot's own way of extension; it has no hook for this.
  (eval '(cl-defmethod eglot-handle-notification :after
           (_server (_method (eql textDocument/publishDiagnostics)) &rest _)
           (roo--publish))
        t))

(with-eval-after-load 'lsp-mode
  (add-hook 'lsp-diagnostics-updated-hook #'roo--publish))

(defun roo--on-diagnostics (connection params reply)
  "Tell REPLY what others say of the documents in PARAMS or of CONNECTION.
With :wait they may look once more, for 1.8 seconds at the most."
  (let* ((buffers (if (plist-member params :uris)
                      (delq nil (mapcar #'roo--buffer (plist-get params :uris)))
                    (seq-filter #'buffer-live-p
                                (hash-table-values (roo--documents connection)))))
         (answer (lambda ()
                   (when reply
                     (funcall reply (list :items (vconcat (delq nil (mapcar #'roo--diagnosed
                                                                            buffers)))))
                     (setq reply nil)))))
    (if (not (and (plist-get params :wait)
                  (seq-some (lambda (each) (with-current-buffer each (roo--served-p))) buffers)))
        (funcall answer)
      (push answer roo--published)
      (run-at-time 1.8 nil answer)
      (dolist (each buffers)
        (with-current-buffer each
          (roo--tell-eglot))))))

(roo--does "roo/diagnostics" #'roo--on-diagnostics)

(defun roo--diagnosed (buffer)
  "What flymake or flycheck says of BUFFER, or nil where neither looks at it."
  (with-current-buffer buffer
    (let ((found (cond ((bound-and-true-p flymake-mode) (roo--from-flymake))
                       ((bound-and-true-p flycheck-mode) (roo--from-flycheck))
                       (t 'nobody))))
      (unless (eq found 'nobody)
        (list :uri (or (plist-get roo--document :uri) (roo--uri buffer-file-name))
              :diagnostics (vconcat found))))))

(defun roo--severity (level)
  "The severity of LSP that flymake's or flycheck's LEVEL stands for."
  (let ((name (format "%s" level)))
    (cond ((string-match-p "error" name) 1)
          ((string-match-p "warning" name) 2)
          (t 3))))

(defun roo--from-flymake ()
  "The diagnostics of flymake in this buffer."
  (unless (and (bound-and-true-p eglot--managed-mode) (null (roo--eglot)))
    (mapcar (lambda (each)
              (list :range (roo--range (flymake-diagnostic-beg each) (flymake-diagnostic-end each))
                    :severity (roo--severity (flymake-diagnostic-type each))
                    :source (format "%s" (flymake-diagnostic-backend each))
                    :message (flymake-diagnostic-text each)))
            (flymake-diagnostics))))

(defun roo--from-flycheck ()
  "The diagnostics of flycheck in this buffer."
  (mapcar (lambda (each)
            (let ((region (or (flycheck-error-region-for-mode each major-mode)
                              (cons (point-min) (point-min)))))
              (list :range (roo--range (car region) (cdr region))
                    :severity (roo--severity (flycheck-error-level each))
                    :source (format "%s" (flycheck-error-checker each))
                    :message (or (flycheck-error-message each) ""))))
          flycheck-current-errors))

(provide 'roo-diagnostics)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-diagnostics.el ends here
