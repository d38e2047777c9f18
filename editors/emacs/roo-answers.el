;;; roo-answers.el --- What the user says to what waits  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Commands that can be called anywhere.  Each answers what the user has before them, or asks
;; which is meant.

;;; Code:

(require 'roo-transcript)

(defun roo--choose (kind)
  "What waits for the user and is of KIND, `question' or `permission'.
That is what stands at point or is drawn in this transcript, else the
only thing that waits; the user is asked where that is not clear."
  (let* ((connection (roo--require))
         (at-point (get-text-property (point) 'roo-waiting))
         (of-kind (lambda (entries)
                    (seq-filter (lambda (each)
                                  (eq (equal (plist-get each :kind) "question")
                                      (eq kind 'question)))
                                entries)))
         (entries (funcall of-kind (roo--pending connection)))
         (drawn (and (derived-mode-p 'roo-transcript-mode)
                     (funcall of-kind (roo--ours-of connection)))))
    (cond ((seq-find (lambda (each) (equal (plist-get each :requestId) at-point)) entries))
          ((and drawn (null (cdr drawn))) (car drawn))
          (entries
           (if (or (cdr entries) (derived-mode-p 'roo-transcript-mode))
               (roo--which connection (or drawn entries))
             (car entries)))
          ((roo--pending connection)
           (user-error (substitute-command-keys
                        (if (eq kind 'question)
                            "Roo asks nothing, but wants an approval: \\[roo-approve], \\[roo-deny]"
                          "Roo asks a question: \\[roo-answer] answers it"))))
          (t (user-error "Nothing waits for you")))))

(defun roo--which (connection entries)
  "Ask the user which of ENTRIES of CONNECTION is meant."
  (let ((number 0) titles)
    (dolist (each entries)
      (cl-incf number)
      (push (cons (format "%d. %s%s" number (car (split-string (plist-get each :title) "\n"))
                          (if (member (plist-get each :taskId) (list nil (roo--task connection)))
                              ""
                            "  (another task)"))
                  each)
            titles))
    (setq titles (nreverse titles))
    (cdr (assoc (completing-read "Which? " titles nil t) titles))))

(defun roo--look-first (entry)
  "Have the user confirm ENTRY where they cannot have seen it."
  (unless (or (member (plist-get entry :requestId) (roo--told (roo--require)))
              (y-or-n-p (format "%s: approve? " (plist-get entry :title))))
    (user-error "It still waits")))

(defun roo-approve ()
  "Approve what waits."
  (interactive)
  (let ((entry (roo--choose 'permission)))
    (roo--look-first entry)
    (roo--respond (plist-get entry :requestId) "allow_once")
    (roo--say "Approved: %s" (plist-get entry :title))))

(defun roo-always ()
  "Approve what waits, and the like of it from now on."
  (interactive)
  (let* ((entry (roo--choose 'permission))
         (options (or (roo--always-options entry)
                      (user-error "This can be approved only once")))
         (option (if (cdr options)
                     (let ((names (mapcar (lambda (each) (cons (plist-get each :name) each))
                                          options)))
                       (cdr (assoc (completing-read "How far? " names nil t) names)))
                   (car options))))
    (roo--look-first entry)
    (roo--respond (plist-get entry :requestId) (plist-get option :optionId))
    (roo--say "%s" (plist-get option :name))))

(defun roo-deny (why &optional id)
  "Refuse what waits (or ID), and say WHY, which may be empty."
  (interactive (let ((entry (roo--choose 'permission)))
                 (list (read-string (format "Why not %s? " (plist-get entry :title)))
                       (plist-get entry :requestId))))
  (roo--respond (or id (plist-get (roo--choose 'permission) :requestId)) "reject_once" why))

(defun roo-answer (&optional id)
  "Answer Roo's question (or ID), with one of its suggestions or anything else."
  (interactive)
  (let ((entry (or (seq-find (lambda (each) (equal (plist-get each :requestId) id))
                             (roo--pending (roo--require)))
                   (roo--choose 'question))))
    (roo--reply (plist-get entry :requestId)
                (completing-read (format "%s " (plist-get entry :title))
                                 (plist-get entry :suggestions)))))

(defun roo-decide ()
  "Ask here and now for a decision about what waits."
  (interactive)
  (let ((entry (roo--choose 'permission)))
    (pcase (car (read-multiple-choice (plist-get entry :title)
                                      '((?d "deny") (?a "approve") (?A "always approve")
                                        (?v "view all of it"))))
      (?a (roo--respond (plist-get entry :requestId) "allow_once"))
      (?A (roo-always))
      (?d (roo-deny (read-string "Why not? ") (plist-get entry :requestId)))
      (?v (roo--details entry)))))

(defun roo-details ()
  "Show all of what waits."
  (interactive)
  (roo--details (roo--choose 'permission)))

(defun roo--details (entry)
  "Show all of ENTRY, which waits for the user."
  (let* ((call (gethash (plist-get (plist-get entry :toolCall) :toolCallId)
                        (if-let ((transcript (roo--transcript (roo--require))))
                            (buffer-local-value 'roo--entries transcript)
                          (make-hash-table))))
         (body (and call (roo--body call))))
    (with-help-window "*roo details*"
      (with-current-buffer standard-output
        (insert (propertize (plist-get entry :title) 'face 'bold) "\n\n"
                (mapconcat #'identity (plist-get entry :detail) "\n") "\n")
        (when body (insert "\n" body "\n"))))))

(provide 'roo-answers)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-answers.el ends here
