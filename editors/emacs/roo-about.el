;;; roo-about.el --- Explain, fix, improve, ask about what is here  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; What the server offers for the region, the problem or the lines at point, as commands.  The
;; words of the prompts are the server's.

;;; Code:

(require 'roo-commands)
(require 'roo-diagnostics)

(defun roo--problems (beg end)
  "What others say of the text from BEG to END of this buffer."
  (seq-filter (lambda (each)
                (let ((range (plist-get each :range)))
                  (and (<= (roo--point (plist-get range :start)) end)
                       (>= (roo--point (plist-get range :end)) beg))))
              (plist-get (roo--diagnosed (current-buffer)) :diagnostics)))

(defun roo--about (kind)
  "Start the task of KIND, a code action's, about the region or what is at point."
  (unless buffer-file-name (user-error "This buffer has no file"))
  (let* ((connection (roo--ensure))
         (uri (roo--uri buffer-file-name))
         (region (use-region-p))
         (beg (if region (region-beginning) (point)))
         (end (if region (region-end) (point)))
         (problems (roo--problems (if region beg (line-beginning-position))
                                  (if region end (line-end-position))))
         (range (roo--range beg end)))
    (deactivate-mark)
    ;; Until it has taken a command, the server offers nothing: so this waits for one.
    (roo--execute
     connection "roo.status" nil
     (lambda (_status)
       (roo--send-request
        connection "textDocument/codeAction"
        (list :textDocument (list :uri uri)
              :range range
              :context (list :diagnostics (vconcat problems) :only (vector kind) :triggerKind 1))
        (lambda (actions)
          (let* ((action (seq-find (lambda (each) (equal (plist-get each :kind) kind)) actions))
                 (argument (car (plist-get (plist-get action :command) :arguments))))
            (if (null argument)
                (roo--say "Roo has nothing to offer for this here")
              ;; Lists of JSON were read as lists, and are sent as vectors.
              (roo--start-task connection
                               (plist-put (copy-sequence argument) :context
                                          (vconcat (plist-get argument :context))))))))))))

(defun roo-explain ()
  "Have Roo explain the region, or what is at point."
  (interactive)
  (roo--about "roo.explain"))

(defun roo-fix ()
  "Have Roo fix the problems in the region or on this line.
Without any, it looks for what is wrong."
  (interactive)
  (roo--about "quickfix"))

(defun roo-improve ()
  "Have Roo improve the region, or what is at point."
  (interactive)
  (roo--about "refactor.rewrite"))

(defun roo-do-comment ()
  "Have Roo do what the comment at point asks."
  (interactive)
  (roo--about "roo.comment"))

(defun roo-ask (question)
  "Ask Roo QUESTION about the region, else about the line at point."
  (interactive (list (roo--read (if (use-region-p) "Ask about the region: "
                                  "Ask about this line: "))))
  (unless buffer-file-name (user-error "This buffer has no file"))
  (let ((connection (roo--ensure))
        (place (if (use-region-p)
                   (roo--place (region-beginning) (region-end))
                 (roo--place (line-beginning-position) (line-end-position)))))
    (deactivate-mark)
    (roo--submit connection question (list place) t '(:mode "ask"))))

(provide 'roo-about)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-about.el ends here
