;;; roo-review.el --- What a task changed, kept or taken back  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Marks in the buffers, and the way through them.

;;; Code:

(require 'roo-edits)
(require 'roo-events)

(defun roo--refresh-changes (connection)
  "Ask the server of CONNECTION soon what the shown task changed, and mark it."
  (unless (roo--changes-timer connection)
    (setf (roo--changes-timer connection)
          (run-at-time 0.2 nil #'roo--fetch-changes connection nil))))

(defun roo--fetch-changes (connection then)
  "Fetch and mark what the shown task of CONNECTION changed; call THEN."
  (setf (roo--changes-timer connection) nil)
  (when (and (roo--task connection) (memq connection roo--connections))
    (roo--execute connection "roo.changes.list" (list :taskId (roo--task connection))
                  (lambda (changes)
                    (setf (roo--changes connection) changes)
                    (roo--mark connection)
                    (when then (funcall then)))
                  #'ignore)))

(defun roo--review-event (connection event)
  "Look after the changes and the files of CONNECTION where EVENT says so."
  (let ((update (plist-get event :update)))
    (pcase (plist-get update :sessionUpdate)
      ("_changes" (roo--refresh-changes connection))
      ("_state"
       (unless (equal (plist-get update :state) "running")
         (roo--revert-unchanged connection)
         (roo--refresh-changes connection))))))

(defun roo--mark-opened ()
  "Mark what Roo changed in the file that was opened."
  (when roo--document
    (roo--mark (roo--find buffer-file-name))))

(defun roo--mark-started (_connection)
  "Have files marked that are opened from now on."
  (add-hook 'find-file-hook #'roo--mark-opened t))

(defun roo--unmark-ended (connection)
  "Take the marks of CONNECTION away."
  (setf (roo--changes connection) nil)
  (roo--mark connection)
  (unless roo--connections (remove-hook 'find-file-hook #'roo--mark-opened)))

(add-hook 'roo--event-functions #'roo--review-event)
(add-hook 'roo--edited-functions #'roo--mark)
(add-hook 'roo--started-functions #'roo--mark-started)
(add-hook 'roo--ended-functions #'roo--unmark-ended)
(add-hook 'roo--shown-functions #'roo--refresh-changes)

(defun roo--open-hunks (file)
  "The hunks of FILE, of roo.changes.list, that are left to review."
  (seq-filter (lambda (each) (member (plist-get each :state) '("pending" "edited")))
              (plist-get file :hunks)))

(defun roo--mark (connection)
  "Mark in the buffers what the shown task of CONNECTION changed."
  (dolist (buffer (hash-table-values (roo--documents connection)))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer (roo--unmark))))
  (when roo-show-changes
    (dolist (file (roo--changes connection))
      (when-let ((buffer (roo--buffer (plist-get file :uri))))
        (with-current-buffer buffer
          (dolist (hunk (roo--open-hunks file))
            (roo--mark-hunk (plist-get file :uri) hunk)))))))

(defun roo--unmark ()
  "Take the marks out of this buffer, all of it."
  (save-restriction
    (widen)
    (remove-overlays nil nil 'roo-hunk t)))

(defun roo--review-text (connection uri)
  "Look after the marks of CONNECTION in the document URI, whose text is another.
What was undone or written over by the user is no change of Roo's any more."
  (when (seq-find (lambda (each) (equal (plist-get each :uri) uri)) (roo--changes connection))
    (roo--refresh-changes connection)))

(add-hook 'roo--text-functions #'roo--review-text)

(defun roo--mark-hunk (uri hunk)
  "Mark HUNK of the document URI in this buffer: what came, and above it what went."
  (let* ((range (plist-get hunk :range))
         (beg (roo--point (plist-get range :start)))
         (end (roo--point (plist-get range :end)))
         (overlay (make-overlay beg end nil t nil))
         (before (plist-get hunk :before)))
    (overlay-put overlay 'roo-hunk t)
    (overlay-put overlay 'evaporate (< beg end))
    (dolist (hook '(modification-hooks insert-in-front-hooks insert-behind-hooks))
      (overlay-put overlay hook (list #'roo--undone)))
    (overlay-put overlay 'roo-id (plist-get hunk :id))
    (overlay-put overlay 'roo-uri uri)
    (overlay-put overlay 'face 'roo-added)
    (overlay-put overlay 'help-echo "Roo wrote this: M-x roo-review")
    (unless (string-empty-p before)
      (overlay-put overlay 'before-string
                   (concat (propertize (replace-regexp-in-string
                                        "^" "- " (string-trim-right before "\n"))
                                       'face 'roo-removed)
                           "\n")))))

(defun roo--undone (overlay &rest _)
  "Take OVERLAY, a mark, away where undo changes its text.
What else is true of the change is asked for soon."
  (when undo-in-progress (delete-overlay overlay)))

(defun roo--hunks (connection)
  "What is left to review of CONNECTION, each (URI . HUNK), in order."
  (cl-loop for file in (roo--changes connection)
           append (mapcar (lambda (hunk) (cons (plist-get file :uri) hunk))
                          (roo--open-hunks file))))

(defun roo-review ()
  "Go through what Roo changed: keep or revert each hunk."
  (interactive)
  (let ((connection (roo--require)))
    (roo--fetch-changes connection
                        (lambda ()
                          (if (roo--hunks connection)
                              (roo--visit-hunk connection 0)
                            (roo--say "There is nothing to review"))))))

(defvar roo-review-map
  (let ((map (make-sparse-keymap)))
    (pcase-dolist (`(,key . ,command)
                   '(("n" . roo-next-hunk) ("p" . roo-previous-hunk) ("k" . roo-keep)
                     ("r" . roo-revert) ("K" . roo-keep-all) ("q" . roo-review-end)))
      (define-key map (kbd key) command))
    map)
  "Keys while a hunk is looked at; any other key ends that, and is obeyed.")

(defvar roo--looked-at nil
  "The hunk that is looked at: (CONNECTION . INDEX).")

(defun roo--visit-hunk (connection index)
  "Go to the hunk of CONNECTION at INDEX, and offer what can be done with it."
  (let* ((hunks (roo--hunks connection))
         (index (mod index (length hunks))))
    (pcase-let ((`(,uri . ,hunk) (nth index hunks)))
      (let ((path (roo--path uri)))
        (if (not (file-exists-p path))
            (roo--say "Roo removed %s" (abbreviate-file-name path))
          (select-window
           (display-buffer (find-file-noselect path)
                           '((display-buffer-reuse-window display-buffer-use-some-window)
                             (inhibit-same-window . nil))))
          (roo--mark connection)
          (let ((place (roo--point (plist-get (plist-get hunk :range) :start))))
            (unless (<= (point-min) place (point-max)) (widen))
            (goto-char place))
          (recenter (/ (window-height) 3))))
      (setq roo--looked-at (cons connection index))
      (set-transient-map roo-review-map)
      (let ((message-log-max nil))
        (message "%s"
                 (substitute-command-keys
                  (format "[%d/%d] %s  \\<roo-review-map>\\[roo-keep] keep  \\[roo-revert] revert  \
\\[roo-next-hunk]/\\[roo-previous-hunk] next/previous  \\[roo-keep-all] keep all  \\[roo-review-end] end"
                          (1+ index) (length hunks)
                          (roo--shown (roo--path uri)))))))))

(defun roo-review-end ()
  "End the review."
  (interactive)
  (message nil))

(defun roo-next-hunk ()
  "Go to the next hunk."
  (interactive)
  (roo--step 1))

(defun roo-previous-hunk ()
  "Go to the previous hunk."
  (interactive)
  (roo--step -1))

(defun roo--step (step)
  "Go STEP hunks on, from the one that is looked at."
  (let ((connection (roo--require)))
    (unless (roo--hunks connection) (user-error "There is nothing to review"))
    (roo--visit-hunk connection
                     (if (eq (car roo--looked-at) connection) (+ (cdr roo--looked-at) step) 0))))

(defun roo--hunk-here (connection)
  "The hunk at point, else the one that CONNECTION's review looks at; (URI . HUNK)."
  (let ((overlay (seq-find (lambda (each) (overlay-get each 'roo-id))
                           (append (overlays-at (point))
                                   (overlays-in (point) (1+ (point)))))))
    (or (and overlay
             (seq-find (lambda (each)
                         (and (equal (car each) (overlay-get overlay 'roo-uri))
                              (equal (plist-get (cdr each) :id) (overlay-get overlay 'roo-id))))
                       (roo--hunks connection)))
        (and (eq (car roo--looked-at) connection) (nth (cdr roo--looked-at) (roo--hunks connection)))
        (user-error "Roo changed nothing here"))))

(defun roo--settle (command word)
  "Run COMMAND for the hunk here, say WORD of it, and go on to the next."
  (let ((connection (roo--require)))
    (pcase-let ((`(,uri . ,hunk) (roo--hunk-here connection)))
      (roo--execute
       connection command
       (list :taskId (roo--task connection) :uri uri :hunk (plist-get hunk :id))
       (lambda (_result)
         (roo--fetch-changes
          connection
          (lambda ()
            (if (roo--hunks connection)
                (roo--visit-hunk connection (if (eq (car roo--looked-at) connection)
                                                (min (cdr roo--looked-at)
                                                     (1- (length (roo--hunks connection))))
                                              0))
              (roo--say "%s: nothing is left to review" word)))))))))

(defun roo-keep ()
  "Keep the hunk here: it is your own from now on."
  (interactive)
  (roo--settle "roo.changes.keep" "Kept"))

(defun roo-revert ()
  "Take back the hunk here."
  (interactive)
  (roo--settle "roo.changes.revert" "Reverted"))

(defun roo--settle-all (command word)
  "Run COMMAND for all that the shown task changed, and say WORD."
  (let ((connection (roo--require)))
    (roo--execute connection command (list :taskId (roo--task connection))
                  (lambda (_result)
                    (roo--fetch-changes connection nil)
                    (roo--say "%s" word)))))

(defun roo-keep-all ()
  "Keep all that Roo changed."
  (interactive)
  (roo--settle-all "roo.changes.keep" "Kept all"))

(defun roo-revert-all ()
  "Take back all that Roo changed, where you have not edited it since."
  (interactive)
  (when (y-or-n-p "Take back all that Roo changed in this task? ")
    (roo--settle-all "roo.changes.revert" "Reverted all")))

(provide 'roo-review)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-review.el ends here
