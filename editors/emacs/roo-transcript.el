;;; roo-transcript.el --- The buffer in which a task is read  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; One for each project: `*roo: PROJECT*'.  It shows one task, from its beginning, and catches up
;; where events are missing.

;;; Code:

(require 'roo-conversation)
(require 'roo-waiting)

(defvar roo-transcript-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (pcase-dolist (`(,key . ,command)
                   '(("a" . roo-approve) ("A" . roo-always) ("d" . roo-deny) ("v" . roo-details)
                     ("RET" . roo-act) ("TAB" . roo-toggle) ("m" . roo-compose)
                     ("n" . roo-next) ("p" . roo-previous) ("r" . roo-review)
                     ("k" . roo-cancel) ("t" . roo-tasks) ("M" . roo-set-mode)
                     ("P" . roo-set-profile) ("o" . roo-open) ("L" . roo-set-model)
                     ("R" . roo-resume) ("b" . roo-checkpoints) ("x" . roo-export)
                     ("?" . roo-menu) ("h" . roo-menu)))
      (define-key map (kbd key) command))
    map)
  "Keys of the transcript.")

(define-derived-mode roo-transcript-mode special-mode "Roo"
  "What was said and done in a task.

\\<roo-transcript-mode-map>\\[roo-approve], \\[roo-always] and \\[roo-deny] answer what waits for you.
\\[roo-compose] writes to Roo, \\[roo-toggle] folds and unfolds a tool call, \\[roo-act] goes to its file.

\\{roo-transcript-mode-map}"
  (buffer-disable-undo)
  (visual-line-mode 1)
  (setq-local truncate-lines nil
              scroll-conservatively 101
              header-line-format '(:eval (roo--header))
              revert-buffer-function (lambda (&rest _) (roo--show-task roo--connection nil))
              font-lock-defaults '(roo--keywords t)
              font-lock-extra-managed-props nil
              roo--entries (make-hash-table :test #'equal)))

(defconst roo--keywords
  '(("^```.*$" . '(0 (roo--prose 'roo-note) t))
    ("^#+ .*$" . '(0 (roo--prose 'roo-heading) t))
    ("\\*\\*[^*\n]+\\*\\*" . '(0 (roo--prose 'bold) t))
    ("`[^`\n]+`" . '(0 (roo--prose 'roo-code) t)))
  "What of Markdown is shown, in what Roo says.")

(defun roo--prose (face)
  "FACE where the match is something that Roo said."
  (and (get-text-property (match-beginning 0) 'roo-prose) face))

(defun roo--make-transcript (connection)
  "The buffer of the transcript of CONNECTION, made where there is none."
  (let ((buffer (or (roo--transcript connection)
                    (generate-new-buffer (format "*roo: %s*" (roo--name connection))))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'roo-transcript-mode)
        (roo-transcript-mode)
        (setq default-directory (roo--root connection)))
      (unless (eq roo--connection connection)
        (setq roo--connection connection)
        (roo--clear)))
    buffer))

(defun roo--clear ()
  "Empty this transcript."
  (let ((inhibit-read-only t))
    (erase-buffer)
    (clrhash roo--entries)
    (setq roo--seq 0 roo--ahead nil roo--asking nil roo--speaking nil roo--footer-drawn nil
          roo--footer (copy-marker (point-min) t))
    (roo--draw-footer)))

(defun roo-display-beside (buffer alist)
  "Show BUFFER at the right in a wide frame, else below, as ALIST says otherwise.
A function for `display-buffer'."
  (if (>= (frame-width) 140)
      (display-buffer-in-direction buffer `((direction . right) ,@alist))
    (display-buffer-in-direction buffer `((direction . below) (window-height . 0.55) ,@alist))))

(defvar roo--shown-functions nil
  "Called with a connection of which another task is shown.")

(defun roo--show-task (connection task)
  "Draw TASK of CONNECTION from the beginning; nil is the one that is shown."
  (let ((task (or task (roo--task connection))))
    (setf (roo--task connection) task)
    (with-current-buffer (roo--make-transcript connection)
      (roo--clear)
      (when task (roo--catch-up)))
    (run-hook-with-args 'roo--shown-functions connection)))

(defun roo--transcript-goes-on (connection)
  "Have the transcript of an ended connection be that of CONNECTION."
  (when-let ((transcript (roo--transcript connection)))
    (with-current-buffer transcript (setq roo--connection connection))))

(defun roo--draw-anew (connection)
  "Draw the task that an ended server of CONNECTION had shown.
What is stored may be a little less than what was drawn."
  (when (and (roo--task connection) (roo--transcript connection))
    (roo--show-task connection nil)))

(add-hook 'roo--taken-over-functions #'roo--transcript-goes-on)
(add-hook 'roo--ready-functions #'roo--draw-anew)

(defvar roo--page 1000
  "How many events are asked for at a time.")

(defun roo--catch-up ()
  "Ask for the events of the shown task that are missing here, and draw them."
  (unless roo--asking
    (setq roo--asking t)
    (let* ((buffer (current-buffer))
           (connection roo--connection)
           (task (roo--task connection)))
      (roo--execute
       connection "roo.task.replay" (list :taskId task :sinceSeq roo--seq :limit roo--page)
       (lambda (result)
         (when (buffer-live-p buffer)
           (with-current-buffer buffer
             (setq roo--asking nil)
             (when (equal task (roo--task connection))
               (let ((events (plist-get result :events))
                     (ahead (nreverse roo--ahead)))
                 (setq roo--ahead nil)
                 (dolist (event events) (roo--learn-from connection event))
                 (roo--draw-events connection events)
                 (if (>= (length events) roo--page)
                     (progn (setq roo--ahead (nreverse ahead))
                            (roo--catch-up))
                   (roo--draw-events connection ahead)))))))
       (lambda (problem)
         (when (buffer-live-p buffer)
           (with-current-buffer buffer (setq roo--asking nil)))
         (roo--say "Roo: %s" (plist-get problem :message)))))))

(defun roo--draw-events (connection events)
  "Draw those EVENTS of CONNECTION that are of the shown task, in one go."
  (let* ((task (roo--task connection))
         (ours (seq-filter (lambda (each) (equal (plist-get each :taskId) task)) events)))
    (when (and task ours)
      (with-current-buffer (roo--make-transcript connection)
        (roo--drawing
         (lambda ()
           (let (chunk)
             (dolist (event ours)
               (let ((seq (plist-get event :seq)))
                 (cond
                  ((or roo--asking (> seq (1+ roo--seq))) (push event roo--ahead))
                  ((= seq (1+ roo--seq))
                   (setq roo--seq seq)
                   ;; Chunks that follow one another are inserted as one.
                   (setq chunk (roo--merge chunk (plist-get event :update)))))))
             (roo--merge chunk nil))))
        (when (and roo--footer-bare (> roo--footer (point-min)))
          (setq roo--footer-drawn nil)
          (roo--draw-footer))
        (when (and roo--ahead (not roo--asking))
          (roo--catch-up))))))

(add-hook 'roo--events-functions #'roo--draw-events)

(defun roo--header ()
  "The first line of the transcript: which task, in which state, at which cost."
  (when roo--connection
    (let* ((connection roo--connection)
           (task (roo--task connection))
           (state (roo--fact connection task :state))
           (used (roo--fact connection task :used))
           (cost (roo--fact connection task :cost))
           (left (concat
                  (propertize " Roo " 'face 'bold)
                  (or (roo--fact connection task :mode) (roo--mode connection) "")
                  "  "
                  (pcase (cond ((roo--ours-of connection) "waiting")
                               ((and task (equal (roo--interrupted connection) task)) "interrupted")
                               (t state))
                    ("interrupted" (propertize "ended in the middle" 'face 'roo-failed))
                    ("running" (propertize (or (roo--line connection) "Working…")
                                           'face 'roo-running))
                    ("waiting" (propertize "waits for you" 'face 'roo-waiting))
                    ("failed" (propertize "failed" 'face 'roo-failed))
                    ("idle" "idle")
                    (_ (or (roo--line connection) "starting…")))))
           (right (concat (and used (> used 0)
                               (format "%.1fk tokens" (/ used 1000.0)))
                          (and cost (> cost 0) (format "  $%.3f" cost))
                          " "))
           (room (- (window-width) (string-width right) 1)))
      (string-replace
       "%" "%%"
       (concat (truncate-string-to-width left room nil ?\s t) right)))))

(defun roo--entry-at-point ()
  "The entry that folds at point, or nil."
  (gethash (get-text-property (point) 'roo-entry) roo--entries))

(defun roo-toggle ()
  "Fold or unfold what is at point; elsewhere go to the next button."
  (interactive)
  (if-let ((entry (roo--entry-at-point)))
      (let ((inhibit-read-only t))
        (setf (roo--entry-folded entry) (if (eq (roo--entry-folded entry) 'tail) nil
                                          (not (roo--entry-folded entry)))
              (roo--entry-touched entry) t)
        (save-excursion (roo--draw-entry entry))
        (goto-char (roo--entry-beg entry)))
    (forward-button 1 t nil t)))

(declare-function roo-checkpoints "roo-checkpoints")
(declare-function roo-compose "roo-compose")

(defun roo-act ()
  "Push the button at point, visit its file, or write to Roo."
  (interactive)
  (let ((entry (roo--entry-at-point)))
    (cond ((button-at (point)) (push-button))
          ((get-text-property (point) 'roo-checkpoint) (roo-checkpoints))
          ((and entry (roo--entry-location entry))
           (let ((location (roo--entry-location entry)))
             (find-file-other-window (plist-get location :path))
             (when-let ((line (plist-get location :line)))
               (goto-char (point-min))
               (forward-line (1- line)))))
          (entry (roo-toggle))
          (t (roo-compose)))))

(defun roo--landmark-p ()
  "Whether the line at point begins something."
  (and (bolp)
       (or (and (roo--entry-at-point)
                (= (point) (roo--entry-beg (roo--entry-at-point))))
           (and (get-text-property (point) 'roo-user)
                (not (get-text-property (max (point-min) (1- (point))) 'roo-user)))
           (and (get-text-property (point) 'roo-waiting)
                (not (get-text-property (1- (point)) 'roo-waiting))))))

(defun roo-next ()
  "Go to the next tool call or message of yours."
  (interactive)
  (forward-line 1)
  (while (not (or (eobp) (roo--landmark-p)))
    (forward-line 1)))

(defun roo-previous ()
  "Go to the tool call or message of yours before point."
  (interactive)
  (beginning-of-line)
  (while (not (or (bobp) (progn (forward-line -1) (roo--landmark-p))))))

(provide 'roo-transcript)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-transcript.el ends here
