;;; roo-paths.el --- Files as addresses  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What a file is called on the wire.

;;; Code:

(require 'seq)
(require 'url-util)

(defun roo--uri (path)
  "The URI of PATH."
  (let ((name (expand-file-name path)))
    (concat "file://" (if (string-prefix-p "/" name) "" "/")
            (url-hexify-string name (cons ?/ url-unreserved-chars)))))

(defun roo--path (uri)
  "The path that URI names."
  (let ((name (decode-coding-string
               (url-unhex-string (string-remove-prefix "file://" uri)) 'utf-8)))
    (if (string-match-p "\\`/[a-zA-Z]:" name) (substring name 1) name)))

(defvar roo--folders-function #'ignore
  "Gives the folders of the workspace that a path is in.
Each has a slash at its end.")

(defun roo--shown (path)
  "PATH as people read it: below its folder.
The name of that one is before it where there are several."
  (let* ((folders (funcall roo--folders-function path))
         (folder (seq-find (lambda (each) (string-prefix-p each path)) folders)))
    (cond ((null folder) (abbreviate-file-name path))
          ((cdr folders)
           (concat (file-name-nondirectory (directory-file-name folder)) "/"
                   (substring path (length folder))))
          (t (substring path (length folder))))))

(provide 'roo-paths)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-paths.el ends here
