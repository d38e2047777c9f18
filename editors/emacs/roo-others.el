;;; roo-others.el --- What the other language servers answer  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Eglot or lsp-mode keeps serving the language of a buffer.  Here Roo asks it for definitions,
;; references and the like.

;;; Code:

(require 'roo-documents)

(defvar eglot--managed-mode)
(defvar lsp-mode)

(declare-function eglot-current-server "ext:eglot")
(declare-function eglot--capabilities "ext:eglot")
(declare-function eglot--signal-textDocument/didChange "ext:eglot")
(declare-function jsonrpc-async-request "jsonrpc")
(declare-function lsp-request-async "ext:lsp-mode")
(declare-function lsp-workspaces "ext:lsp-mode")
(declare-function lsp--workspace-server-capabilities "ext:lsp-mode")
(declare-function lsp--workspace-server-id "ext:lsp-mode")
(declare-function lsp-feature? "ext:lsp-mode")
(declare-function eglot--server-info "ext:eglot")

(defun roo--eglot ()
  "The eglot server of this buffer, where it is not Roo itself."
  (when (bound-and-true-p eglot--managed-mode)
    (let ((server (eglot-current-server)))
      (unless (equal (plist-get (eglot--server-info server) :name) "roo-lsp")
        server))))

(defun roo--tell-eglot ()
  "Have eglot tell its server the text of this buffer as it is now.
It looks at what changed, which may be outside of what is narrowed."
  (when (and (roo--eglot) (fboundp 'eglot--signal-textDocument/didChange))
    (save-restriction
      (widen)
      (eglot--signal-textDocument/didChange))))

(defun roo--lsp-workspaces ()
  "The servers that lsp-mode has for this buffer, without Roo itself."
  (when (bound-and-true-p lsp-mode)
    (seq-remove (lambda (each) (eq (lsp--workspace-server-id each) 'roo-lsp))
                (lsp-workspaces))))

(defun roo--served-p ()
  "Whether another language server looks at this buffer."
  (or (roo--eglot) (roo--lsp-workspaces)))

(defun roo--encoding ()
  "How the other server of this buffer counts characters: utf-8, utf-16 or utf-32."
  (let ((capabilities
         (if-let ((server (roo--eglot)))
             (eglot--capabilities server)
           (lsp--workspace-server-capabilities (car (roo--lsp-workspaces))))))
    (intern (or (if (hash-table-p capabilities)
                    (gethash "positionEncoding" capabilities)
                  (plist-get capabilities :positionEncoding))
                "utf-16"))))

(defun roo--visit-hidden (connection uri)
  "The buffer of URI, opened where it is in the project of CONNECTION.
Nil where no other server could know it."
  (or (roo--buffer uri)
      (let ((path (roo--path uri)))
        (when (and (or (featurep 'eglot) (featurep 'lsp-mode))
                   (eq (roo--find path) connection)
                   (file-regular-p path)
                   (< (file-attribute-size (file-attributes path)) 1000000))
          (let ((enable-local-variables :safe)
                (enable-local-eval nil)
                (inhibit-message t))
            (find-file-noselect path t))))))

(defun roo--ask (connection method params reply empty)
  "Have another server do METHOD with PARAMS, and give REPLY the result.
CONNECTION is Roo's own.  EMPTY stands for what a server that found
nothing has found."
  (let* ((uri (plist-get (plist-get params :textDocument) :uri))
         (buffer (if uri
                     (roo--visit-hidden connection uri)
                   (seq-find (lambda (each)
                               (and (buffer-live-p each)
                                    (with-current-buffer each (roo--served-p))))
                             (hash-table-values (roo--documents connection))))))
    (if (not (and buffer (with-current-buffer buffer (roo--served-p))))
        (funcall reply nil)
      (with-current-buffer buffer
        (let* ((encoding (roo--encoding))
               (position (plist-get params :position))
               (done (lambda (result)
                       (funcall reply (or (roo--translated result uri encoding) empty))))
               (failed (lambda (problem) (funcall reply nil problem))))
          (when position
            (setq params (plist-put (copy-sequence params) :position
                                    (roo--position-for encoding position))))
          (if-let ((server (roo--eglot)))
              (progn
                (roo--tell-eglot)
                (jsonrpc-async-request
                 server (intern (concat ":" method)) params
                 :timeout 18
                 :success-fn done
                 :error-fn (lambda (problem) (funcall failed (plist-get problem :message)))
                 :timeout-fn (lambda () (funcall failed "no answer in 18 s"))))
            (roo--ask-lsp-mode method params done failed)))))))

(defun roo--ask-lsp-mode (method params done failed)
  "Have lsp-mode's servers do METHOD with PARAMS: DONE or FAILED is called."
  (if (not (lsp-feature? method))
      (funcall failed (format "no server here does %s" method))
    (lsp-request-async method params done
                       :mode 'detached
                       :error-handler (lambda (problem)
                                        (funcall failed
                                                 (if (hash-table-p problem)
                                                     (gethash "message" problem)
                                                   (plist-get problem :message)))))))

(defun roo--units (text encoding)
  "The length of TEXT in units of ENCODING."
  (pcase encoding
    ('utf-8 (string-bytes text))
    ('utf-16 (+ (length text) (cl-count-if (lambda (each) (> each #xffff)) text)))
    (_ (length text))))

(defun roo--position-for (encoding position)
  "POSITION of this buffer, which counts characters, in units of ENCODING."
  (save-excursion
    (save-restriction
      (widen)
      (let ((point (roo--point position)))
        (goto-char point)
        (list :line (plist-get position :line)
              :character (roo--units (buffer-substring-no-properties
                                      (line-beginning-position) point)
                                     encoding))))))

(defun roo--line-text (uri line)
  "The text of LINE, counted from 0, of the document URI, open or not."
  (let ((buffer (roo--buffer uri))
        (look (lambda ()
                (goto-char (point-min))
                (forward-line line)
                (buffer-substring-no-properties (point) (line-end-position)))))
    (cond (buffer (with-current-buffer buffer
                    (save-excursion (save-restriction (widen) (funcall look)))))
          ((file-readable-p (roo--path uri))
           (with-temp-buffer
             (insert-file-contents (roo--path uri))
             (funcall look)))
          (t ""))))

(defun roo--counted (position uri encoding)
  "POSITION of the document URI, which counts units of ENCODING, in characters."
  (let* ((text (roo--line-text uri (plist-get position :line)))
         (wanted (plist-get position :character))
         (count 0)
         (units 0))
    (while (and (< count (length text)) (< units wanted))
      (cl-incf units (roo--units (substring text count (1+ count)) encoding))
      (cl-incf count))
    (list :line (plist-get position :line) :character (if (string-empty-p text) wanted count))))

(defun roo--translated (value uri encoding)
  "VALUE, which another server sent about the document URI, as Roo is told it.
Positions count characters, not units of ENCODING; lists are vectors,
objects plists."
  (cond
   ((hash-table-p value)
    (let (plist)
      (maphash (lambda (key each) (setq plist `(,(intern (format ":%s" key)) ,each ,@plist)))
               value)
      (roo--translated plist uri encoding)))
   ((vectorp value)
    (vconcat (mapcar (lambda (each) (roo--translated each uri encoding)) value)))
   ((not (consp value)) value)
   ((not (keywordp (car value)))
    (roo--translated (vconcat value) uri encoding))
   ((and (plist-member value :line) (plist-member value :character))
    (if (or (eq encoding 'utf-32) (null uri)) value (roo--counted value uri encoding)))
   (t
    (let ((uri (or (plist-get value :uri) (plist-get value :targetUri)
                   (plist-get (roo--translated (plist-get value :textDocument) nil 'utf-32) :uri)
                   uri)))
      (cl-loop for (key each) on value by #'cddr
               for inside = (cond ((string-prefix-p ":file:" (symbol-name key))
                                   (substring (symbol-name key) 1))
                                  ((eq key :originSelectionRange) nil)
                                  (t uri))
               append (list key (roo--translated each inside encoding)))))))

(defun roo--on-definition (connection params reply)
  "Find the definition that PARAMS ask for, beside CONNECTION; REPLY gets it."
  (roo--ask connection "textDocument/definition" params reply []))

(defun roo--on-references (connection params reply)
  "Find the references that PARAMS ask for, beside CONNECTION; REPLY gets them."
  (roo--ask connection "textDocument/references" params reply []))

(defun roo--on-hover (connection params reply)
  "Find what is known at the place in PARAMS, beside CONNECTION; REPLY gets it."
  (roo--ask connection "textDocument/hover" params reply nil))

(defun roo--on-document-symbol (connection params reply)
  "Find the symbols of the document in PARAMS, beside CONNECTION; REPLY gets them."
  (roo--ask connection "textDocument/documentSymbol" params reply []))

(defun roo--on-workspace-symbol (connection params reply)
  "Find the symbols that PARAMS ask for, beside CONNECTION; REPLY gets them."
  (roo--ask connection "workspace/symbol" params reply []))

(defun roo--on-rename (connection params reply)
  "Find what the renaming in PARAMS would change, beside CONNECTION.
REPLY gets the edit, which is not made here."
  (roo--ask connection "textDocument/rename" params reply nil))

(roo--does "roo/definition" #'roo--on-definition)
(roo--does "roo/references" #'roo--on-references)
(roo--does "roo/hover" #'roo--on-hover)
(roo--does "roo/documentSymbol" #'roo--on-document-symbol)
(roo--does "roo/workspaceSymbol" #'roo--on-workspace-symbol)
(roo--does "roo/rename" #'roo--on-rename)

(provide 'roo-others)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-others.el ends here
