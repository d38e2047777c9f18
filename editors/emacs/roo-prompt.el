;;; roo-prompt.el --- Where a prompt is typed  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; In the minibuffer and in the buffer of a message alike: what was said before in this workspace
;; comes back, and commands that begin with a slash and mentions that begin with an @ are completed.

;;; Code:

(require 'roo-documents)

(defvar roo--history nil
  "What was said to Roo.")

(defun roo--fetch-history (connection)
  "Ask the server of CONNECTION what was said before, for the history of prompts."
  (roo--execute connection "roo.prompt.history" '(:limit 100)
                (lambda (prompts)
                  (setq roo--history (seq-uniq (append roo--history prompts))))
                #'ignore))

(defun roo--fetch-commands (connection)
  "Ask the server of CONNECTION which commands a prompt may begin with."
  (roo--execute connection "roo.command.list" nil
                (lambda (commands) (setf (roo--commands connection) commands))
                #'ignore))

(add-hook 'roo--ready-functions #'roo--fetch-history)
(add-hook 'roo--ready-functions #'roo--fetch-commands)

(defun roo--complete-command ()
  "What the command before point may become, for `completion-at-point-functions'."
  (let ((end (point)) (beginning (save-excursion (goto-char (line-beginning-position)) (point))))
    (when (string-match-p "\\`/[[:alnum:]_.-]*\\'" (buffer-substring-no-properties beginning end))
      (list beginning end
            (mapcar (lambda (each) (concat "/" (plist-get each :name))) (roo--commands roo--connection))
            :annotation-function #'roo--about-command
            :exclusive 'no))))

(defun roo--about-command (command)
  "What COMMAND takes and does."
  (let ((it (seq-find (lambda (each) (equal (plist-get each :name) (substring command 1)))
                      (roo--commands roo--connection))))
    (format " %s %s" (upcase (or (plist-get it :argumentHint) "")) (plist-get it :description))))

(defconst roo--mention
  "\\(?:^\\|[^[:alnum:]_@./`\\]\\)@\\(\\(?:\\\\ \\|[^ \t\n@\\\"]\\)*\\)"
  "A mention as far as it is typed.")

(defun roo--complete-mention ()
  "What the mention before point may become, for `completion-at-point-functions'."
  (when (looking-back roo--mention (line-beginning-position))
    (let* ((start (match-beginning 1))
           (offers (roo--wait-for roo--connection "roo.mention.list" (list :text (match-string 1))))
           (names (mapcar (lambda (each) (substring (plist-get each :text) 1)) offers)))
      (list start (point)
            (lambda (string predicate action)
              (if (eq action 'metadata)
                  '(metadata (category . roo-mention) (display-sort-function . identity)
                             (cycle-sort-function . identity))
                (complete-with-action action names string predicate)))
            :annotation-function
            (lambda (name)
              (let ((it (nth (or (seq-position names name) 0) offers)))
                (concat " " (if (string-empty-p (plist-get it :description)) (plist-get it :kind)
                              (plist-get it :description)))))))))

;; The server finds a name by any part of it.
(add-to-list 'completion-category-defaults '(roo-mention (styles basic substring flex)))

(defun roo--offer-commands (connection)
  "Have commands and mentions be completed here by the server of CONNECTION."
  (setq roo--connection connection)
  (roo--fetch-commands connection)  ; files may have come, or been trusted
  (add-hook 'completion-at-point-functions #'roo--complete-mention nil t)
  (add-hook 'completion-at-point-functions #'roo--complete-command nil t))

(defvar roo--prompt-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map minibuffer-local-map)
    (define-key map (kbd "TAB") #'completion-at-point)
    map)
  "Keys of a prompt in the minibuffer.")

(defun roo--read (prompt)
  "Read with PROMPT what the user says to Roo."
  (let* ((connection (roo--ensure))
         (text (minibuffer-with-setup-hook (lambda () (roo--offer-commands connection))
                 (read-from-minibuffer prompt nil roo--prompt-map nil 'roo--history))))
    (when (string-blank-p text)
      (user-error "Say what to do"))
    text))

;;;; In the buffer of a message

(defvar-local roo--recalled nil
  "How far back in what was said the text of this message is from.")

(defvar-local roo--unsent nil
  "What the user was writing before something else was recalled.")

(defun roo-compose-enhance ()
  "Have the model put this message better; it is still yours to send."
  (interactive)
  (let* ((connection roo--connection)
         (draft (current-buffer))
         (text (buffer-substring-no-properties (point-min) (point-max))))
    (when (string-blank-p text) (user-error "Nothing is written"))
    (roo--say "Roo puts it better…")
    (roo--execute connection "roo.prompt.enhance"
                  (append (list :text text)
                          (and (roo--task connection) (list :taskId (roo--task connection))))
                  (lambda (result)
                    (when (buffer-live-p draft)
                      (with-current-buffer draft
                        (if (not (equal (buffer-string) text))
                            (roo--say "You have written on, so it was left as it is")
                          (erase-buffer)
                          (insert (plist-get result :text)))))))))

(defun roo--recall (step)
  "Replace this message by the one STEP further back in what was said."
  (let ((position (+ step (or roo--recalled -1))))
    (unless (< -2 position (length roo--history))
      (user-error "Nothing more was said"))
    (unless roo--recalled (setq roo--unsent (buffer-string)))
    (setq roo--recalled (and (>= position 0) position))
    (erase-buffer)
    (insert (if roo--recalled (nth position roo--history) (or roo--unsent "")))))

(defun roo-compose-previous ()
  "Put what was said before this here; the newest first."
  (interactive)
  (roo--recall 1))

(defun roo-compose-next ()
  "Put what was said after this here; last what you were writing."
  (interactive)
  (roo--recall -1))

(defun roo-compose-up ()
  "Go up a line; from the first one to what was said before."
  (interactive)
  (if (save-excursion (forward-line 0) (bobp)) (roo--recall 1) (call-interactively #'previous-line)))

(defun roo-compose-down ()
  "Go down a line; from the last one to what was said after."
  (interactive)
  (if (and roo--recalled (save-excursion (end-of-line) (eobp)))
      (roo--recall -1)
    (call-interactively #'next-line)))

(provide 'roo-prompt)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-prompt.el ends here
