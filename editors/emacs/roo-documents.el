;;; roo-documents.el --- The open files, as the server knows them  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Keeps the server's copy of each open file what it is here: the text, where it is narrowed too,
;; and positions counted as the server counts.

;;; Code:

(require 'roo-server)

(defun roo--buffer (uri)
  "The buffer that has the file of URI, or nil."
  (and (string-prefix-p "file://" uri) (find-buffer-visiting (roo--path uri))))

(defun roo--line-end ()
  "What ends a line of this buffer on disk."
  (pcase (coding-system-eol-type (or buffer-file-coding-system 'utf-8-unix))
    (1 "\r\n")
    (2 "\r")
    (_ "\n")))

(defun roo--text ()
  "The text of this buffer as saving would write it, whatever is narrowed."
  (let ((text (save-restriction
                (widen)
                (buffer-substring-no-properties (point-min) (point-max))))
        (end (roo--line-end)))
    (if (equal end "\n") text (string-replace "\n" end text))))

(defun roo--open (buffer)
  "Tell the server that BUFFER is open, where it is a file of a project with one."
  (with-current-buffer buffer
    (when (and buffer-file-name (null roo--document)
               (not (file-remote-p buffer-file-name))
               (not (buffer-base-buffer)))
      (when-let ((connection (roo--find buffer-file-name)))
        (when (roo--ready connection)
          (let ((uri (roo--uri buffer-file-name)))
            (setq roo--document (list :uri uri :version 0 :tick (buffer-chars-modified-tick)))
            (puthash uri buffer (roo--documents connection))
            (roo--watch)
            (roo--write
             connection
             (list :method "textDocument/didOpen"
                   :params (list :textDocument
                                 (list :uri uri :version 0 :languageId (roo--language)
                                       :text (roo--text)))))))))))

(defun roo--watch ()
  "Notice what happens to this buffer, where the server knows it.
A new major mode forgets the hooks, so this is done again."
  (when roo--document
    (add-hook 'after-change-functions #'roo--changed nil t)
    (add-hook 'after-save-hook #'roo--saved nil t)
    (add-hook 'kill-buffer-hook #'roo--close nil t)))

(defun roo--language ()
  "The language of this buffer, from its major mode."
  (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode)))

(defun roo--close ()
  "Tell the server that this buffer is closed."
  (when roo--document
    (let* ((uri (plist-get roo--document :uri))
           (connection (seq-find (lambda (each) (gethash uri (roo--documents each)))
                                 roo--connections)))
      (setq roo--document nil)
      (when connection
        (remhash uri (roo--documents connection))
        (roo--write connection (list :method "textDocument/didClose"
                                     :params (list :textDocument (list :uri uri))))))))

(defun roo--changed (&rest _)
  "Have the server hear of the change of this buffer, soon."
  (when-let ((connection (and roo--document (roo--find buffer-file-name))))
    (unless (roo--sync-timer connection)
      (setf (roo--sync-timer connection)
            (run-with-idle-timer 0.3 nil #'roo--flush connection)))))

(defun roo--saved ()
  "Tell the server that this buffer was saved, perhaps by another name."
  (when roo--document
    (unless (equal (plist-get roo--document :uri) (roo--uri buffer-file-name))
      (roo--close)
      (roo--open (current-buffer)))
    (when-let ((connection (roo--find buffer-file-name)))
      (roo--flush connection)
      (roo--write connection
                  (list :method "textDocument/didSave"
                        :params (list :textDocument
                                      (list :uri (plist-get roo--document :uri))))))))

(defvar roo--text-functions nil
  "Called with a connection and the URI of a document whose new text is told.")

(defun roo--flush (connection)
  "Tell the server of CONNECTION the text of every document that changed.
Ticks are compared, not only hooks heeded: a change through an indirect
buffer runs none here."
  (when-let ((timer (roo--sync-timer connection)))
    (cancel-timer timer)
    (setf (roo--sync-timer connection) nil))
  (maphash
   (lambda (uri buffer)
     (when (buffer-live-p buffer)
       (with-current-buffer buffer
         (let ((tick (buffer-chars-modified-tick)))
           (unless (eql tick (plist-get roo--document :tick))
             (setq roo--document
                   (list :uri uri :version (1+ (plist-get roo--document :version)) :tick tick))
             (roo--write
              connection
              (list :method "textDocument/didChange"
                    :params (list :textDocument
                                  (list :uri uri :version (plist-get roo--document :version))
                                  :contentChanges (vector (list :text (roo--text))))))
             (run-hook-with-args 'roo--text-functions connection uri))))))
   (roo--documents connection)))

(defun roo--opened ()
  "Look at the file that was opened."
  (roo--open (current-buffer)))

(defun roo--look-out (_connection)
  "Have every file that is opened from now on looked at."
  (add-hook 'find-file-hook #'roo--opened)
  (add-hook 'after-change-major-mode-hook #'roo--watch))

(defun roo--open-all (_connection)
  "Tell the server of each open file."
  (mapc #'roo--open (buffer-list)))

(defun roo--forget-documents (connection)
  "Forget what the server of CONNECTION knew.
Without any server, opened files are not looked at."
  (dolist (buffer (hash-table-values (roo--documents connection)))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer (setq roo--document nil))))
  (clrhash (roo--documents connection))
  (unless roo--connections
    (remove-hook 'find-file-hook #'roo--opened)
    (remove-hook 'after-change-major-mode-hook #'roo--watch)))

(add-hook 'roo--started-functions #'roo--look-out)
(add-hook 'roo--ready-functions #'roo--open-all)
(add-hook 'roo--ended-functions #'roo--forget-documents)

(defun roo--point (position)
  "Where POSITION is in this buffer, at the line's end at the latest."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (if (save-excursion (search-forward "\r" nil t))
          ;; The server takes a lone carriage return for a line's end, Emacs does not.
          (re-search-forward "\r\n\\|\n\\|\r" nil 'stay (plist-get position :line))
        (forward-line (plist-get position :line)))
      (min (+ (point) (plist-get position :character))
           (save-excursion (skip-chars-forward "^\r\n") (point))))))

(defun roo--position (point)
  "POINT of this buffer as the server counts."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char point)
      (let ((start (save-excursion (skip-chars-backward "^\r\n") (point)))
            (lines 0))
        (goto-char (point-min))
        (while (re-search-forward "\r\n\\|\n\\|\r" start t)
          (cl-incf lines))
        (list :line lines :character (- point start))))))

(defun roo--range (beg end)
  "From BEG to END as the server counts."
  (list :start (roo--position beg) :end (roo--position end)))

(defun roo--execute (connection command argument &optional success failure)
  "Have the server of CONNECTION run COMMAND with ARGUMENT, a plist.
SUCCESS gets the result; FAILURE the error, which else the user is told."
  (roo--flush connection)
  (roo--send-request connection "workspace/executeCommand"
                     (list :command command
                           :arguments (vector (or argument (make-hash-table))))
                     (or success #'ignore) failure))

(defconst roo--patience 2.0
  "Seconds that the user may wait for what completes a word.")

(defun roo--wait-for (connection command argument)
  "What the server of CONNECTION answers to COMMAND with ARGUMENT, at once.
Nil where it has none within `roo--patience'."
  (let ((end (+ (float-time) roo--patience)) answer done)
    (roo--execute connection command argument
                  (lambda (result) (setq answer result done t))
                  (lambda (_problem) (setq done t)))
    (while (not (or done (> (float-time) end)))
      (accept-process-output nil 0.02))
    answer))

(defun roo--on-show-document (_connection params reply)
  "Show the document in PARAMS, and tell REPLY whether that was possible."
  (let ((uri (plist-get params :uri)))
    (if (plist-get params :external)
        (browse-url uri)
      (let ((buffer (find-file-noselect (roo--path uri))))
        (with-current-buffer buffer
          (unless (roo--find buffer-file-name) (view-mode 1)))
        (if (and (plist-get params :takeFocus) (not (active-minibuffer-window)))
            (pop-to-buffer buffer)
          (display-buffer buffer))
        (when-let ((range (plist-get params :selection)))
          (with-current-buffer buffer
            (let ((place (roo--point (plist-get range :start))))
              (unless (<= (point-min) place (point-max)) (widen))
              (goto-char place))))))
    (funcall reply '(:success t))))

(roo--does "window/showDocument" #'roo--on-show-document)

(provide 'roo-documents)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-documents.el ends here
