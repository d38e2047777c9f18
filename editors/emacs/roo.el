;;; roo.el --- Roo, a coding agent, beside your language servers -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, convenience
;; URL: https://github.com/roo-lsp/roo-lsp
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A small client for roo-lsp, a language server that is a coding agent.
;;
;;   (require 'roo)
;;   (global-set-key (kbd "C-c r") 'roo-command-map)
;;
;; then C-c r r asks what to do.  What Roo says and does is in the buffer *roo: PROJECT*, where
;; a, A and d answer what it asks; C-c r v goes through what it changed.

;;; Code:

(require 'roo-about)
(require 'roo-answers)
(require 'roo-checkpoints)
(require 'roo-commands)
(require 'roo-compose)
(require 'roo-diagnostics)
(require 'roo-edits)
(require 'roo-others)
(require 'roo-menu)
(require 'roo-review)
(require 'roo-said)
(require 'roo-status)
(require 'roo-tasks)
(require 'roo-transcript)
(require 'roo-waiting)

;;;###autoload (autoload 'roo "roo" nil t)
;;;###autoload (autoload 'roo-show "roo" nil t)
;;;###autoload (autoload 'roo-add "roo" nil t)
;;;###autoload (autoload 'roo-compose "roo" nil t)
;;;###autoload (autoload 'roo-tasks "roo" nil t)
;;;###autoload (autoload 'roo-menu "roo" nil t)
;;;###autoload (autoload 'roo-explain "roo" nil t)
;;;###autoload (autoload 'roo-fix "roo" nil t)
;;;###autoload (autoload 'roo-improve "roo" nil t)
;;;###autoload (autoload 'roo-ask "roo" nil t)
;;;###autoload (autoload 'roo-do-comment "roo" nil t)

;;;###autoload (autoload 'roo-command-map "roo" nil t 'keymap)
(defvar roo-command-map
  (let ((map (make-sparse-keymap)))
    (pcase-dolist (`(,key . ,command)
                   '(("r" . roo) ("s" . roo-send) ("m" . roo-compose) ("o" . roo-show)
                     ("+" . roo-add) ("a" . roo-approve) ("A" . roo-always) ("d" . roo-deny)
                     ("?" . roo-decide) ("q" . roo-answer) ("c" . roo-cancel) ("g" . roo-resume) ("z" . roo-condense)
                     ("e" . roo-explain) ("f" . roo-fix) ("i" . roo-improve) ("l" . roo-ask)
                     ("w" . roo-do-comment) ("v" . roo-review) ("n" . roo-next-hunk)
                     ("p" . roo-previous-hunk) ("k" . roo-keep) ("u" . roo-revert)
                     ("K" . roo-keep-all) ("U" . roo-revert-all) ("b" . roo-checkpoints)
                     ("t" . roo-tasks) ("x" . roo-export) ("M" . roo-set-mode)
                     ("L" . roo-set-model) ("P" . roo-set-profile) ("!" . roo-auto-approve)
                     ("I" . roo-status) ("D" . roo-doctor) ("R" . roo-restart)
                     ("S" . roo-mcp) ("h" . roo-menu)))
      (define-key map (kbd key) command))
    map)
  "What Roo can do: bind it to a prefix, \\[roo-command-map].")
(fset 'roo-command-map roo-command-map)

(provide 'roo)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo.el ends here
