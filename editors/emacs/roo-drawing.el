;;; roo-drawing.el --- Pieces of the transcript  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Text at the end of the conversation, and entries that fold.  What is drawn for which event is
;; in roo-conversation.el.

;;; Code:

(require 'roo-connection)
(require 'roo-diff)

(defvar-local roo--seq 0
  "The number of the last event that is drawn.")
(defvar-local roo--ahead nil
  "Events beyond a gap, while what is missing is asked for, last first.")
(defvar-local roo--asking nil
  "Whether missing events are asked for.")
(defvar-local roo--entries nil
  "Id of each tool call, and of what folds like one, to its entry.")
(defvar-local roo--footer nil
  "Marker at the end of the conversation: what waits for the user is below.")
(defvar-local roo--footer-drawn nil
  "What the footer shows.")
(defvar-local roo--footer-bare nil
  "Whether the footer has no empty line before it, as nothing was said so far.")
(defvar-local roo--speaking nil
  "The kind of chunk that the end of the conversation is made of.")

(cl-defstruct (roo--entry (:copier nil))
  "Something that folds in the transcript."
  id title kind status (output "") text diffs
  quiet                                 ; whether other events tell of it, unless it fails
  (folded t)                            ; `tail': the last lines are shown
  touched beg end location)

(defun roo--transcript (connection)
  "The buffer of the transcript of CONNECTION, where there is one."
  (seq-find (lambda (each)
              (and (eq (buffer-local-value 'major-mode each) 'roo-transcript-mode)
                   (let ((its (buffer-local-value 'roo--connection each)))
                     (and its (equal (roo--root its) (roo--root connection))))))
            (buffer-list)))

(defun roo--drawing (draw)
  "Call DRAW, which changes this transcript, and keep the user where they are.
Whoever is at the end, or below the conversation, follows it."
  (let* ((inhibit-read-only t)
         (windows (get-buffer-window-list nil nil t))
         (follows (>= (point) roo--footer))
         (following (seq-filter (lambda (each) (>= (window-point each) roo--footer)) windows)))
    (save-excursion (funcall draw))
    (when follows (goto-char (point-max)))
    (dolist (window following)
      (with-selected-window window
        (goto-char (point-max))
        (recenter -1)))))

(defun roo--insert (&rest strings)
  "Add STRINGS at the end of the conversation."
  (goto-char roo--footer)
  (apply #'insert strings))

(defun roo--paragraph (kind)
  "Begin something of KIND at the end of the conversation.
There is an empty line between two kinds."
  (unless (equal roo--speaking kind)
    (goto-char roo--footer)
    (unless (bobp)
      (roo--insert (if (bolp) "" "\n"))
      (unless (or (equal (cons roo--speaking kind) '("call" . "call")))
        (roo--insert "\n")))
    (setq roo--speaking kind)))

(defun roo--draw-entry (entry)
  "Draw ENTRY where it is, or at the end; who reads in it stays where they are."
  (let* ((beg (roo--entry-beg entry))
         (end (roo--entry-end entry))
         (inside (and beg
                      (cl-loop for window in (get-buffer-window-list nil nil t)
                               for point = (window-point window)
                               when (< beg point end) collect (cons window (- point beg))))))
    (if (null beg)
        (let ((start (marker-position roo--footer)))
          (roo--insert (roo--drawn entry))
          (setf (roo--entry-beg entry) (copy-marker start)
                (roo--entry-end entry) (copy-marker roo--footer)))
      ;; The new text first: so the markers of what comes next stay behind it.
      (goto-char beg)
      (insert (roo--drawn entry))
      (delete-region (point) end))
    (pcase-dolist (`(,window . ,offset) inside)
      (set-window-point window (min (+ beg offset) (1- end))))))

(defun roo--drawn (entry)
  "ENTRY as text."
  (let* ((body (roo--body entry))
         (status (roo--entry-status entry))
         (shown (pcase (and body (roo--entry-folded entry))
                  ('nil body)
                  ('tail (roo--last-lines body))))
         (counts (and (roo--entry-diffs entry)
                      (apply #'roo--count (mapcar #'cdr (roo--entry-diffs entry)))))
         (line (concat
                (pcase status
                  ("completed" (propertize "✓ " 'face 'roo-done))
                  ("failed" (propertize "✗ " 'face 'roo-failed))
                  ("in_progress" (propertize "● " 'face 'roo-running))
                  (_ (propertize "○ " 'face 'roo-note)))
                (propertize (or (roo--entry-title entry) "…")
                            'face (if (equal (roo--entry-kind entry) "think")
                                      'roo-note 'roo-tool))
                (or counts "")
                (if (and body (roo--entry-folded entry) (not (equal body shown)))
                    (propertize (format "  [%d line%s]" (length (split-string body "\n"))
                                        (if (string-search "\n" body) "s" ""))
                                'face 'roo-note)
                  "")
                "\n")))
    (propertize (concat line (if shown (roo--indented shown) ""))
                'roo-entry (roo--entry-id entry)
                'mouse-face nil)))

(defun roo--indented (text)
  "TEXT with a margin at the left of every line."
  (concat (propertize (string-trim-right text "\n+")
                      'line-prefix "  " 'wrap-prefix "    ")
          "\n"))

(defun roo--last-lines (text)
  "The last `roo-output-lines' lines of TEXT."
  (let ((lines (split-string (string-trim-right text "\n+") "\n")))
    (string-join (last lines roo-output-lines) "\n")))

(defun roo--body (entry)
  "What ENTRY shows when it is unfolded, or nil."
  (let ((text (cond ((roo--entry-diffs entry)
                     (concat (mapconcat #'roo--colored (mapcar #'cdr (roo--entry-diffs entry)) "\n")
                             (if (equal (roo--entry-status entry) "failed")
                                 (concat "\n" (propertize (or (roo--entry-text entry) "")
                                                          'face 'roo-failed))
                               "")))
                    ((roo--entry-text entry)
                     (propertize (roo--entry-text entry)
                                 'face (if (equal (roo--entry-status entry) "failed")
                                           'roo-failed 'roo-output)))
                    (t (propertize (roo--entry-output entry) 'face 'roo-output)))))
    (unless (string-blank-p text) (string-trim-right text "\n+"))))

(provide 'roo-drawing)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-drawing.el ends here
