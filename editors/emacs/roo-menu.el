;;; roo-menu.el --- All that Roo can do, at a glance  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A menu of keys, by transient, which is part of Emacs.

;;; Code:

(require 'transient)
(require 'roo-about)
(require 'roo-answers)
(require 'roo-checkpoints)
(require 'roo-commands)
(require 'roo-review)
(require 'roo-status)
(require 'roo-tasks)

(defun roo--menu-title ()
  "What Roo does here, as the first line of the menu."
  (let ((connection (roo--current)))
    (if (null connection)
        "Roo does not run here yet"
      (format "Roo: %s%s"
              (or (roo--line connection) "idle")
              (pcase (length (roo--pending connection))
                (0 "")
                (1 "; 1 thing waits for you")
                (count (format "; %d things wait for you" count)))))))

(transient-define-prefix roo-menu ()
  "All that Roo can do."
  [:description roo--menu-title
   ["Task"
    ("r" "start" roo)
    ("s" "say" roo-send)
    ("m" "write" roo-compose)
    ("+" "add this" roo-add)
    ("c" "cancel" roo-cancel)
    ("g" "go on" roo-resume)
    ("z" "condense" roo-condense)
    ("o" "show" roo-show)
    ("t" "all tasks" roo-tasks)]
   ["About this"
    ("e" "explain" roo-explain)
    ("f" "fix" roo-fix)
    ("i" "improve" roo-improve)
    ("l" "ask" roo-ask)
    ("w" "do comment" roo-do-comment)]
   ["What waits"
    ("a" "approve" roo-approve)
    ("A" "always" roo-always)
    ("d" "deny" roo-deny)
    ("?" "decide" roo-decide)
    ("q" "answer" roo-answer)
    ("!" "not asked" roo-auto-approve)]
   ["Changes"
    ("v" "review" roo-review)
    ("k" "keep" roo-keep)
    ("u" "revert" roo-revert)
    ("K" "keep all" roo-keep-all)
    ("U" "revert all" roo-revert-all)
    ("b" "back" roo-checkpoints)]
   ["Roo"
    ("M" "mode" roo-set-mode)
    ("L" "model" roo-set-model)
    ("P" "profile" roo-set-profile)
    ("S" "servers" roo-mcp)
    ("x" "export" roo-export)
    ("I" "status" roo-status)
    ("D" "doctor" roo-doctor)
    ("R" "restart" roo-restart)]])

(provide 'roo-menu)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-menu.el ends here
