;;; roo-compose.el --- A message to Roo, and what goes along with it  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A buffer for a message of several lines, with files, places and images attached.  What a user
;; has said and the server has not taken comes back here.

;;; Code:

(require 'dnd)
(require 'roo-prompt)
(require 'roo-transcript)

(defvar-local roo--attached nil
  "What goes along with this message, in the order it was attached.
Each is a plist with :name and either :place, a place as roo.task.start
takes it, or :image, a URI.")

(defvar-local roo--note nil
  "What is to be known of this message, as text.")

(defvar roo-compose-mode-map
  (let ((map (make-sparse-keymap)))
    (pcase-dolist (`(,key . ,command)
                   '(("C-c C-c" . roo-compose-send) ("C-c C-k" . roo-compose-quit)
                     ("C-c C-a" . roo-attach) ("C-c C-y" . roo-attach-clipboard)
                     ("C-c C-d" . roo-detach) ("C-c C-e" . roo-compose-enhance)
                     ("M-p" . roo-compose-previous) ("M-n" . roo-compose-next)
                     ("<remap> <previous-line>" . roo-compose-up)
                     ("<remap> <next-line>" . roo-compose-down)))
      (define-key map (kbd key) command))
    map)
  "Keys of a message to Roo.")

(define-derived-mode roo-compose-mode text-mode "To Roo"
  "A message to Roo.  \\<roo-compose-mode-map>\\[roo-compose-send] sends it, \\[roo-compose-quit] throws it away.

\\{roo-compose-mode-map}"
  (setq header-line-format '(:eval (roo--compose-header)))
  (setq-local dnd-protocol-alist (cons '("^file:" . roo--dropped) dnd-protocol-alist))
  (when (fboundp 'yank-media-handler)
    (yank-media-handler "image/.*" #'roo--attach-data)))

(defun roo--compose-header ()
  "What goes along with this message, and what its keys do."
  (let ((keys (substitute-command-keys
               "\\<roo-compose-mode-map>\\[roo-compose-send] send  \\[roo-attach] attach  \
\\[roo-attach-clipboard] paste image  \\[roo-compose-quit] throw away"))
        (along (string-join (append (and roo--note (list (propertize roo--note 'face 'roo-failed)))
                                    (mapcar (lambda (each) (plist-get each :name)) roo--attached))
                            ", ")))
    (string-replace "%" "%%" (concat " " along (if (string-empty-p along) "" "  ") keys))))

(defun roo--draft (connection)
  "The buffer of the message to CONNECTION, made where there is none."
  (let ((buffer (get-buffer-create (format "*to roo: %s*" (roo--name connection)))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'roo-compose-mode) (roo-compose-mode))
      (setq default-directory (roo--root connection))
      (roo--offer-commands connection))
    buffer))

(defconst roo--draft-display '(display-buffer-below-selected (window-height . 7))
  "How the buffer of a message is shown.")

(defun roo-compose ()
  "Write to Roo, as many lines as you like."
  (interactive)
  (pop-to-buffer (roo--draft (roo--ensure)) roo--draft-display))

(defun roo-compose-send (&optional new)
  "Send this message: to the task that is shown, or as a new one.
With a prefix argument, NEW, a new task in any case."
  (interactive "P")
  (let ((text (string-trim (buffer-substring-no-properties (point-min) (point-max))))
        (attached roo--attached)
        (connection (roo--ensure)))
    (when (string-empty-p text) (user-error "Nothing is written"))
    (roo--submit connection text attached (or new (not (roo--transcript connection))))
    (roo-compose-quit)))

(defun roo-compose-quit ()
  "Throw this message away."
  (interactive)
  (quit-window t))

;;;; Sending

(defun roo--submit (connection text &optional attached new options)
  "Say TEXT to CONNECTION with what is ATTACHED.
That is a follow-up in the shown task, or with NEW, or where none is
shown, a new task with OPTIONS.  What is not taken is given back."
  (add-to-history 'roo--history text)
  (let* ((task (and (not new) (roo--task connection)))
         (places (delq nil (cons (roo--focus connection)
                                 (mapcar (lambda (each) (plist-get each :place)) attached))))
         (images (delq nil (mapcar (lambda (each) (plist-get each :image)) attached)))
         (argument (append (if task (list :text text :taskId task) (list :prompt text))
                           (and places (list :context (vconcat places)))
                           (and images (list :images (vconcat images)))))
         (failed (lambda (problem)
                   (roo--give-back connection text attached (plist-get problem :message)))))
    (if task
        (roo--execute connection "roo.task.send" argument
                      (lambda (result)
                        (when (plist-get result :queued)
                          (roo--say "Roo hears it with the next request"))
                        (unless (equal (plist-get result :taskId) task)
                          (roo--show-other connection (plist-get result :taskId))))
                      failed)
      (roo--start-task connection (append argument options) failed))))

(defun roo--focus (connection)
  "Where the user is in the files of CONNECTION's project, for the server.
That is the point, or the region, of the file they looked at last; nil if
there is none: what they do in other projects is not this one's business."
  (when-let* ((root (roo--root connection))
              (buffer (seq-find (lambda (each)
                                  (when-let* ((file (buffer-file-name each)))
                                    (file-in-directory-p file root)))
                                (cons (current-buffer) (buffer-list)))))
    (with-current-buffer buffer
      (let* ((first (1- (line-number-at-pos (if (use-region-p) (region-beginning) (point)) t)))
             (start (list :line first :character 0))
             (end (if (use-region-p)
                      (list :line (line-number-at-pos (max (point-min) (1- (region-end))) t)
                            :character 0)
                    start)))
        (list :uri (roo--uri buffer-file-name) :focus t
              :range (list :start start :end end))))))

(defun roo--show-other (connection task)
  "Show TASK of CONNECTION; nil is one that begins with the next message."
  (setf (roo--task connection) task)
  (roo--show-task connection task))

(defun roo--start-task (connection argument &optional failed)
  "Have CONNECTION start a task with ARGUMENT, and show it.
FAILED gets the error, which else the user is told."
  (let ((before (roo--task connection)))
    (setf (roo--task connection) nil
          (roo--interrupted connection) nil
          (roo--line connection) "starting…")
    (with-current-buffer (roo--make-transcript connection) (roo--clear))
    (roo--execute connection "roo.task.start"
                  (append argument
                          (and (roo--mode connection) (not (plist-get argument :mode))
                               (list :mode (roo--mode connection)))
                          (and (roo--profile connection)
                               (list :profile (roo--profile connection))))
                  (lambda (result)
                    (unless (plist-get result :taskId) ; it was a command, and is done
                      (setf (roo--line connection) nil))
                    (roo--show-other connection (or (plist-get result :taskId) before)))
                  (lambda (problem)
                    (setf (roo--line connection) "not started")
                    (if failed (funcall failed problem)
                      (roo--say "Roo: %s" (plist-get problem :message))))))
  (display-buffer (roo--make-transcript connection) roo-display-action))

(defun roo--give-back (connection text attached why)
  "Put TEXT and what was ATTACHED into the message to CONNECTION again.
It was not taken; WHY is told."
  (with-current-buffer (roo--draft (or (roo--find (roo--root connection)) connection))
    (save-excursion
      (goto-char (point-min))
      (unless (looking-at-p (concat (regexp-quote text) "\\s-*\\'"))
        (insert text (if (eobp) "" "\n\n"))))
    (setq roo--attached (seq-uniq (append attached roo--attached))
          roo--note "Not sent")
    (unless (get-buffer-window nil t)
      (display-buffer (current-buffer) roo--draft-display))
    (roo--say "Not sent: %s" why)))

;;;; What goes along

(defun roo--place (&optional beg end)
  "The file of this buffer as a thing to attach, from BEG to END where given."
  (let* ((range (and beg (roo--range beg end)))
         (first (and range (1+ (plist-get (plist-get range :start) :line))))
         (last (and range (let ((end (plist-get range :end)))
                            (max first (+ (plist-get end :line)
                                          (if (= 0 (plist-get end :character)) 0 1)))))))
    (list :name (concat (roo--shown buffer-file-name)
                        (cond ((null range) "")
                              ((= first last) (format ":%d" first))
                              (t (format ":%d-%d" first last))))
          :place (append (list :uri (roo--uri buffer-file-name))
                         (and range (list :range range))))))

(defun roo--quoted ()
  "The region of this buffer, which has no file, as text of a message."
  (format "```\n%s\n```" (buffer-substring-no-properties (region-beginning) (region-end))))

(defun roo-add ()
  "Add the region, else this file, to the message to Roo.
In Dired these are the marked files."
  (interactive)
  (let* ((connection (roo--ensure))
         (things (cond ((derived-mode-p 'dired-mode)
                        (mapcar #'roo--file (dired-get-marked-files)))
                       (buffer-file-name
                        (list (if (use-region-p)
                                  (roo--place (region-beginning) (region-end))
                                (roo--place))))))
         (words (cond (things nil)
                      ((use-region-p) (roo--quoted))
                      (t (user-error "Select something: this buffer has no file")))))
    (deactivate-mark)
    (with-current-buffer (roo--draft connection)
      (when words
        (save-excursion
          (goto-char (point-max))
          (insert (if (bolp) "" "\n") words "\n")))
      (setq roo--attached (seq-uniq (append roo--attached things)))
      (force-mode-line-update))
    (display-buffer (roo--draft connection) roo--draft-display)))

(declare-function dired-get-marked-files "dired")

(defun roo--file (path)
  "PATH as a thing to attach: an image as such, another file as a place."
  (append (list :name (roo--shown path))
          (if (string-match-p "\\.\\(png\\|jpe?g\\|gif\\|webp\\)\\'" (downcase path))
              (list :image (roo--uri path))
            (list :place (list :uri (roo--uri path))))))

(defun roo--attach (thing)
  "Have THING go along with the message of this buffer."
  (setq roo--attached (append roo--attached (list thing)))
  (force-mode-line-update)
  (roo--say "%s goes along with the message" (plist-get thing :name)))

(defun roo-attach (file)
  "Attach FILE, an image or any other, to the message to Roo."
  (interactive "fAttach: ")
  (when (file-directory-p file) (user-error "%s is a folder" file))
  (with-current-buffer (if (derived-mode-p 'roo-compose-mode) (current-buffer)
                         (roo--draft (roo--ensure)))
    (roo--attach (roo--file (expand-file-name file)))
    (unless (get-buffer-window nil t)
      (display-buffer (current-buffer) roo--draft-display))))

(defun roo-detach ()
  "Take what was attached last away from this message again."
  (interactive)
  (unless roo--attached (user-error "Nothing is attached"))
  (roo--say "%s does not go along any more" (plist-get (car (last roo--attached)) :name))
  (setq roo--attached (butlast roo--attached))
  (force-mode-line-update))

(defun roo--dropped (uri _action)
  "Attach the file that was dropped, by its URI."
  (roo--attach (roo--file (dnd-get-local-file-name uri)))
  'private)

(defun roo--attach-data (type data)
  "Attach DATA, an image of the media TYPE, as bytes."
  (roo--attach (list :name (format "%s, %s" type (file-size-human-readable (length data) nil " " "B"))
                     :image (format "data:%s;base64,%s" type
                                    (base64-encode-string (string-to-unibyte data) t)))))

(defconst roo--clipboards
  '(("wl-paste" "--no-newline" "--type" "image/png")
    ("xclip" "-selection" "clipboard" "-target" "image/png" "-out")
    ("pngpaste" "-"))
  "Programs that print the image in the clipboard, for an Emacs in a terminal.")

(defun roo-attach-clipboard ()
  "Attach the image that is in the clipboard to this message."
  (interactive)
  (let ((data (and (display-graphic-p) (gui-get-selection 'CLIPBOARD 'image/png)))
        (program (seq-find (lambda (each) (executable-find (car each))) roo--clipboards)))
    (cond (data (roo--attach-data "image/png" data))
          ((null program)
           (user-error "Install wl-clipboard, xclip or pngpaste: Emacs cannot see the clipboard here"))
          (t (roo--attach-printed program)))))

(defun roo--attach-printed (command)
  "Attach the image that COMMAND prints, once it has ended."
  (let ((message-buffer (current-buffer))
        (output (generate-new-buffer " *roo clipboard*" t)))
    (with-current-buffer output (set-buffer-multibyte nil))
    (make-process
     :name "roo clipboard" :command command :buffer output :coding 'binary :noquery t
     :connection-type 'pipe :stderr (get-buffer-create " *roo clipboard errors*" t)
     :sentinel
     (lambda (process _change)
       (unless (process-live-p process)
         (let ((data (with-current-buffer output (buffer-string))))
           (kill-buffer output)
           (if (or (string-empty-p data) (not (buffer-live-p message-buffer)))
               (roo--say "There is no image in the clipboard")
             (with-current-buffer message-buffer
               (roo--attach-data "image/png" data)))))))))

(provide 'roo-compose)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-compose.el ends here
