;;; roo-compose.el --- Writing more than a line  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A buffer for a message of several lines.

;;; Code:

(require 'roo-commands)

(defvar roo-compose-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'roo-compose-send)
    (define-key map (kbd "C-c C-k") #'roo-compose-quit)
    map)
  "Keys of a message to Roo.")

(define-derived-mode roo-compose-mode text-mode "To Roo"
  "A message to Roo.  \\<roo-compose-mode-map>\\[roo-compose-send] sends it, \\[roo-compose-quit] throws it away."
  (setq header-line-format
        (substitute-command-keys
         " \\<roo-compose-mode-map>\\[roo-compose-send] send, \\[roo-compose-quit] throw away")))

(defun roo-compose ()
  "Write to Roo, as many lines as you like."
  (interactive)
  (let ((connection (roo--ensure)))
    (pop-to-buffer (format "*to roo: %s*" (roo--name connection))
                   '(display-buffer-below-selected (window-height . 7)))
    (unless (derived-mode-p 'roo-compose-mode) (roo-compose-mode))
    (setq roo--connection connection
          default-directory (roo--root connection))))

(defun roo-compose-send ()
  "Send this message: to the task that is shown, or as a new one."
  (interactive)
  (let ((text (string-trim (buffer-string))))
    (when (string-empty-p text) (user-error "Nothing is written"))
    (if (and (roo--task (roo--require)) (roo--transcript (roo--require)))
        (roo-send text)
      (roo text))
    (roo-compose-quit)))

(defun roo-compose-quit ()
  "Throw this message away."
  (interactive)
  (quit-window t))

(provide 'roo-compose)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-compose.el ends here
