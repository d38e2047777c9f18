;;; roo-events.el --- What the agent does, as it happens  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Events are kept for a moment and given on together: many small ones are one drawing.  What is
;; known of each task is here.

;;; Code:

(require 'roo-connection)

(defvar roo--event-functions nil
  "Called with a connection and an event of it, as soon as it has come.")

(defvar roo--events-functions nil
  "Called with a connection and the events of it that came together, to draw them.")

(defvar roo--queued nil
  "Events that are still to be drawn, each (CONNECTION . EVENT), last first.")

(defvar roo--draw-timer nil
  "Draws what is queued.")

(defun roo--queue (connection event)
  "Have EVENT of CONNECTION drawn soon, together with what else comes until then."
  (push (cons connection event) roo--queued)
  (unless roo--draw-timer
    (setq roo--draw-timer (run-at-time 0.05 nil #'roo--draw-queued))))

(defun roo--draw-queued ()
  "Draw what is queued."
  (when roo--draw-timer
    (cancel-timer roo--draw-timer))
  (let ((events (nreverse roo--queued)))
    (setq roo--queued nil
          roo--draw-timer nil)
    (dolist (each events)
      (with-demoted-errors "Roo: %S"
        (roo--note-event (car each) (cdr each))))
    (dolist (connection (seq-uniq (mapcar #'car events) #'eq))
      (with-demoted-errors "Roo: %S"
        (run-hook-with-args 'roo--events-functions connection
                            (cl-loop for (its . event) in events
                                     when (eq its connection) collect event))))
    (force-mode-line-update t)))

(defun roo--facts (connection task)
  "What is known of TASK of CONNECTION, a plist."
  (alist-get task (roo--tasks connection) nil nil #'equal))

(defun roo--fact (connection task key)
  "KEY of what is known of TASK of CONNECTION."
  (plist-get (roo--facts connection task) key))

(defun roo--learn (connection task &rest facts)
  "Keep FACTS, keys and values, about TASK of CONNECTION."
  (let ((known (roo--facts connection task)))
    (cl-loop for (key value) on facts by #'cddr
             do (setq known (plist-put known key value)))
    (setf (alist-get task (roo--tasks connection) nil nil #'equal) known)))

(defun roo--note-event (connection event)
  "Keep what EVENT says of its task of CONNECTION, and pass it on."
  (roo--learn-from connection event)
  (run-hook-with-args 'roo--event-functions connection event))

(defun roo--learn-from (connection event)
  "Keep what EVENT, which may be an old one, says of its task of CONNECTION."
  (let* ((task (plist-get event :taskId))
         (update (plist-get event :update)))
    (pcase (plist-get update :sessionUpdate)
      ("_state"
       (roo--learn connection task :state (plist-get update :state)))
      ("current_mode_update"
       (roo--learn connection task :mode (plist-get update :currentModeId)))
      ("usage_update"
       (roo--learn connection task :used (plist-get update :used) :size (plist-get update :size)
                   :cost (plist-get (plist-get update :cost) :amount))))))

(defun roo--on-progress (connection params)
  "Take the progress in PARAMS from the server of CONNECTION."
  (let* ((value (plist-get params :value))
         (event (plist-get value :roo)))
    (when (plist-get value :message)
      (setf (roo--line connection) (plist-get value :message)))
    (if event
        (roo--queue connection event)
      (force-mode-line-update t))))

(roo--does "$/progress" #'roo--on-progress)
(roo--does "roo/event" #'roo--queue)

(provide 'roo-events)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-events.el ends here
