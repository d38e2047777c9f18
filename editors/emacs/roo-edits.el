;;; roo-edits.el --- What the server changes in buffers and on disk  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Edits of buffers, which are all made or none; saving before a command, reading again after.

;;; Code:

(require 'roo-documents)

(defvar roo--edited-functions nil
  "Called with a connection after an edit of its server.")

(defun roo--on-apply-edit (connection params reply)
  "Make the edit in PARAMS that CONNECTION wants, and REPLY whether it is made.
All of it is made or nothing.  What the user typed meanwhile is told
before, so that the versions are those of the text."
  (roo--flush connection)
  (let* ((edit (plist-get params :edit))
         (changes (or (plist-get edit :documentChanges)
                      (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
                               collect (list :textDocument
                                             (list :uri (substring (symbol-name uri) 1))
                                             :edits edits))))
         (reason (seq-some #'roo--why-not changes)))
    (unless reason
      (condition-case problem
          (mapc #'roo--apply changes)
        (error (setq reason (error-message-string problem)))))
    (roo--flush connection)
    (run-hook-with-args 'roo--edited-functions connection)
    (funcall reply (if reason
                       (list :applied :json-false :failureReason reason)
                     '(:applied t)))))

(roo--does "workspace/applyEdit" #'roo--on-apply-edit)

(defun roo--why-not (change)
  "Why CHANGE, of one document, cannot be made, or nil."
  (let* ((kind (plist-get change :kind))
         (place (or (plist-get change :textDocument) change))
         (uri (plist-get place :uri))
         (version (plist-get place :version))
         (buffer (roo--buffer uri))
         (name (roo--shown (roo--path uri))))
    (cond
     ((and kind (not (equal kind "delete"))) (format "Emacs does not %s files for Roo" kind))
     (kind nil)
     ((null buffer)
      (unless (file-writable-p (roo--path uri)) (format "%s cannot be written" name)))
     ((buffer-local-value 'buffer-read-only buffer) (format "%s is read-only in Emacs" name))
     ((and version
           (/= version (or (plist-get (buffer-local-value 'roo--document buffer) :version) -1)))
      (format "%s has changed in Emacs meanwhile" name))
     ((not (or (buffer-modified-p buffer) (verify-visited-file-modtime buffer)))
      (format "%s is another one on disk than in Emacs: revert or save the buffer first" name)))))

(defun roo--apply (change)
  "Make CHANGE, of one document."
  (if (equal (plist-get change :kind) "delete")
      (roo--delete (roo--path (plist-get change :uri)))
    (let ((path (roo--path (plist-get (plist-get change :textDocument) :uri)))
          (edits (plist-get change :edits)))
      (with-current-buffer (or (find-buffer-visiting path) (find-file-noselect path))
        (save-excursion
          (save-restriction
            (widen)
            (undo-boundary)
            (let ((create-lockfiles nil)
                  (group (prepare-change-group)))
              ;; From the end, so that the places of the others stay what they are.
              (dolist (each (seq-sort (lambda (one two) (> (car one) (car two)))
                                      (mapcar #'roo--edit-here edits)))
                (apply #'roo--replace each))
              (undo-amalgamate-change-group group))
            (undo-boundary)))))))

(defun roo--edit-here (edit)
  "EDIT as (BEG END TEXT) of this buffer."
  (let* ((range (plist-get edit :range))
         (text (plist-get edit :newText))
         (end (roo--line-end)))
    (list (roo--point (plist-get range :start))
          (roo--point (plist-get range :end))
          (if (equal end "\n") text (string-replace end "\n" text)))))

(defun roo--replace (beg end text)
  "Put TEXT from BEG to END; what is the same, and markers in it, stay."
  (let* ((old (buffer-substring-no-properties beg end))
         (least (min (length old) (length text)))
         (same (compare-strings old nil nil text nil nil))
         (front (if (eq same t) least (1- (abs same))))
         (back 0))
    (while (and (< back (- least front))
                (eq (aref old (- (length old) back 1)) (aref text (- (length text) back 1))))
      (cl-incf back))
    (let ((beg (+ beg front)) (end (- end back))
          (text (substring text front (- (length text) back))))
      (if (or (= beg end) (string-empty-p text) (> (+ (- end beg) (length text)) 20000))
          (progn
            (goto-char beg)
            (delete-region beg end)
            (insert text))
        (let ((new (generate-new-buffer " *roo edit*" t)))
          (unwind-protect
              (progn
                (with-current-buffer new (insert text))
                ;; Replacing narrows.  Who is told of changes (eglot, for one) counts lines, so
                ;; they are told of one change, with the buffer as it is without that.
                (run-hook-with-args 'before-change-functions beg end)
                (let ((inhibit-modification-hooks t))
                  (save-restriction
                    (narrow-to-region beg end)
                    (replace-buffer-contents new 0.2)))
                (run-hook-with-args 'after-change-functions beg (+ beg (length text)) (- end beg)))
            (kill-buffer new)))))))

(defun roo--delete (path)
  "Delete the file PATH, and the buffer that has it."
  (delete-file path t)
  (when-let ((buffer (find-buffer-visiting path)))
    (with-current-buffer buffer (set-buffer-modified-p nil))
    (kill-buffer buffer)))

(defun roo--on-save (_connection params reply)
  "Save the buffers that PARAMS name, and tell REPLY which are saved."
  (let (saved)
    (dolist (uri (plist-get params :uris))
      (when-let ((buffer (roo--buffer uri)))
        (with-current-buffer buffer
          ;; One that is another on disk would ask the user, who may be typing anything.
          (when (verify-visited-file-modtime buffer)
            (with-demoted-errors "Roo: %S"
              (let ((inhibit-message t)) (save-buffer))))
          (unless (buffer-modified-p) (push uri saved)))))
    (funcall reply (list :saved (vconcat (nreverse saved))))))

(roo--does "roo/saveDocuments" #'roo--on-save)

(defun roo--revert-unchanged (connection)
  "Read again what CONNECTION changed on disk, where nothing would be lost."
  (when roo-revert-buffers
    (dolist (buffer (hash-table-values (roo--documents connection)))
      (when (and (buffer-live-p buffer) (not (buffer-modified-p buffer))
                 (not (verify-visited-file-modtime buffer))
                 (file-exists-p (buffer-file-name buffer)))
        (with-current-buffer buffer
          (with-demoted-errors "Roo: %S"
            (let ((inhibit-message t)) (revert-buffer t t t))))))
    (roo--flush connection)))

(provide 'roo-edits)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-edits.el ends here
