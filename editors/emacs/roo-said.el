;;; roo-said.el --- What was said and the model was not told yet  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; While a request runs, what the user says waits for the next one.  It is shown below the
;; conversation, can be changed or dropped, and comes back where the task is cancelled.

;;; Code:

(require 'roo-compose)
(require 'roo-waiting)

(defun roo--said-event (connection event)
  "Keep what EVENT says of the messages of CONNECTION that wait."
  (let* ((update (plist-get event :update))
         (id (plist-get update :messageId))
         (old (roo--said-with connection id)))
    (when (equal (plist-get update :sessionUpdate) "_queued")
      (setf (roo--said connection) (remq old (roo--said connection)))
      (pcase (plist-get update :state)
        ('nil (setf (roo--said connection)
                    (append (roo--said connection)
                            (list (list :taskId (plist-get event :taskId) :messageId id
                                        :text (plist-get update :text))))))
        ("returned"
         (when old
           (roo--give-back connection (plist-get old :text) nil "the task was cancelled before"))))
      (roo--draw-footer-of connection))))

(defun roo--said-with (connection id)
  "The message ID of those of CONNECTION that wait, or nil."
  (seq-find (lambda (each) (equal (plist-get each :messageId) id)) (roo--said connection)))

(defun roo--fetch-said (connection)
  "Ask the server of CONNECTION which messages wait in the shown task."
  (when-let ((task (roo--task connection)))
    (roo--execute connection "roo.queue.list" (list :taskId task)
                  (lambda (messages)
                    (setf (roo--said connection)
                          (mapcar (lambda (each) (append (list :taskId task) each)) messages))
                    (roo--draw-footer-of connection))
                  #'ignore)))

(defun roo--said-pieces (connection)
  "The messages of the shown task of CONNECTION that wait, as pieces of the footer."
  (mapcar (lambda (each) (cons each (lambda () (roo--insert-said each))))
          (seq-filter (lambda (each) (equal (plist-get each :taskId) (roo--task connection)))
                      (roo--said connection))))

(add-hook 'roo--event-functions #'roo--said-event)
(add-hook 'roo--shown-functions #'roo--fetch-said)
(add-hook 'roo--footer-functions #'roo--said-pieces)

(defun roo--insert-said (message)
  "Add MESSAGE, which waits for the next request."
  (roo--barred
   (lambda ()
     (insert (propertize "With the next request: " 'face 'roo-note)
             (propertize (plist-get message :text) 'face 'roo-user) "\n")
     (roo--button "Edit" "" (lambda () (roo--edit-said message)))
     (roo--button "Drop" "" (lambda () (roo--settle-said "roo.queue.remove" message))))))

(defun roo--settle-said (command message &optional text)
  "Run COMMAND for MESSAGE, with TEXT where that is given."
  (roo--execute (roo--require) command
                (append (list :taskId (plist-get message :taskId)
                              :messageId (plist-get message :messageId))
                        (and text (list :text text)))))

(defun roo--edit-said (message)
  "Have the user write MESSAGE anew."
  (let ((text (read-string "With the next request: " (plist-get message :text))))
    (unless (string-blank-p text)
      (roo--settle-said "roo.queue.edit" message text))))

(provide 'roo-said)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-said.el ends here
