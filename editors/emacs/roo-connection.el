;;; roo-connection.el --- A running server, and messages to and from it  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Eglot gives a buffer one server.  So Roo brings a connection of its own, beside the one of
;; eglot or lsp-mode: that one keeps serving the language.  It is not jsonrpc.el's, which in Emacs
;; 28 can answer a request only before its handler returns: Emacs would stand still for as long as
;; another server thinks.  Nothing here waits for anything.
;;
;; The files above this one put what they do into `roo--handlers' and the hooks.

;;; Code:

(require 'cl-lib)
(require 'json)
(require 'seq)
(require 'subr-x)
(require 'roo-options)

(cl-defstruct (roo--connection (:conc-name roo--) (:copier nil))
  "A running server and what is known of it."
  root                                  ; folder of the project, with a slash at the end
  folders                               ; of the workspace, the root first, each with a slash
  name                                  ; of the project, for people
  process
  (incoming (generate-new-buffer " *roo incoming*" t)) ; bytes that are no whole message yet
  draining                              ; whether messages are being handled
  (last-id 0)
  (callbacks (make-hash-table))         ; request id to (SUCCESS . FAILURE)
  (waiting nil)                         ; messages to send once the handshake is over, last first
  ready
  (documents (make-hash-table :test #'equal)) ; URI to buffer
  sync-timer
  (tasks nil)                           ; task id to plist :state :mode :used :size :cost
  task                                  ; the one that is shown
  mode profile                          ; of new tasks, where chosen
  (configured nil)                      ; functions for when its server has the settings
  (commands nil)                        ; what a prompt may begin with, as roo.command.list has it
  (said nil)                            ; messages that wait for the next request
  (auto nil)                            ; kinds that are approved without a question, but reading
  pending                               ; what waits for the user, as roo.approval.list has it
  (told nil)                            ; request ids the user was told of
  line                                  ; what goes on now, one line
  interrupted                           ; id of the task that an ended server left in the middle
  (restarts nil)                        ; when its servers were started again, newest first
  changes                               ; what roo.changes.list says of the shown task
  changes-timer)

(defvar roo--connections nil
  "All that run.")

(defvar roo--handlers nil
  "Method to what does it.
A request is answered by a function of the connection, the params and
the function that takes the result, and perhaps a problem in words; a
notification is taken by one of the connection and the params.")

(defvar roo--started-functions nil
  "Called with a connection that begins.")

(defvar roo--ready-functions nil
  "Called with a connection once its server is ready, before what waited is sent.")

(defvar roo--ended-functions nil
  "Called with a connection whose server has ended.")

(defun roo--does (method function)
  "Have FUNCTION do METHOD, as `roo--handlers' says."
  (setf (alist-get method roo--handlers nil nil #'equal) function))

(defvar-local roo--connection nil
  "The connection of a buffer that belongs to Roo.")
(defvar-local roo--document nil
  "What the server knows of this buffer, a plist with :uri, :version and :tick.")
(put 'roo--document 'permanent-local t)

(defconst roo--extensions
  ["roo/saveDocuments" "roo/requestPermission" "roo/diagnostics" "roo/definition"
   "roo/references" "roo/hover" "roo/documentSymbol" "roo/workspaceSymbol" "roo/rename"
   "roo/event"]
  "The requests of editors/PROTOCOL.md that are answered here.")

(defun roo--capabilities ()
  "What this client can do, in the words of LSP."
  '(:general (:positionEncodings ["utf-32" "utf-16"])
    :window (:workDoneProgress t :showDocument (:support t))
    :workspace (:applyEdit t :configuration t :workspaceFolders t
                :workspaceEdit (:documentChanges t :resourceOperations ["delete"]
                                :failureHandling "abort"))
    :textDocument (:synchronization (:didSave t)
                   :codeAction (:codeActionLiteralSupport
                                (:codeActionKind
                                 (:valueSet ["quickfix" "refactor.rewrite" "roo.explain"
                                             "roo.ask" "roo.comment"]))))))

(defun roo--live-p (connection)
  "Whether CONNECTION has a server."
  (and connection (process-live-p (roo--process connection))))

(defun roo--find (file)
  "The connection whose workspace FILE is in, or nil.
The folder that is nearest to it decides."
  (let ((names (list (expand-file-name file) (file-truename file))) (longest 0) found)
    (dolist (connection roo--connections found)
      (dolist (folder (or (roo--folders connection) (list (roo--root connection))))
        (when (and (> (length folder) longest)
                   (seq-some (lambda (name) (string-prefix-p folder name)) names))
          (setq longest (length folder)
                found connection))))))

(defun roo--current ()
  "The connection for this buffer, or nil."
  (if roo--connection
      (if (memq roo--connection roo--connections)
          roo--connection
        (roo--find (roo--root roo--connection)))
    (and (not (file-remote-p default-directory))
         (roo--find default-directory))))

(defun roo--encode (value)
  "VALUE as JSON in bytes; what is no character becomes U+FFFD."
  (let ((text (condition-case nil
                  (json-serialize value :null-object nil :false-object :json-false)
                (wrong-type-argument
                 (json-serialize (roo--cleaned value)
                                 :null-object nil :false-object :json-false)))))
    (if (multibyte-string-p text) (encode-coding-string text 'utf-8-unix) text)))

(defun roo--cleaned (value)
  "VALUE with U+FFFD in its texts for each thing that is no character."
  (cond ((stringp value)
         (concat (mapcar (lambda (each)
                           (if (or (> each #x10ffff) (<= #xd800 each #xdfff)) #xfffd each))
                         (string-to-multibyte value))))
        ((vectorp value) (vconcat (mapcar #'roo--cleaned value)))
        ((consp value) (mapcar #'roo--cleaned value))
        (t value)))

(defun roo--write (connection message)
  "Send MESSAGE, a plist without the version, to the server of CONNECTION."
  (when (roo--live-p connection)
    (let ((body (roo--encode (append '(:jsonrpc "2.0") message))))
      ;; It may have ended since: then its sentinel says so.
      (ignore-errors
        (process-send-string (roo--process connection)
                             (concat (format "Content-Length: %d\r\n\r\n" (length body)) body))))))

(defun roo--send-request (connection method params success &optional failure)
  "Have the server of CONNECTION do METHOD with PARAMS, once it is ready.
SUCCESS gets the result, FAILURE the error, a plist; without FAILURE the
user is told."
  (let* ((id (cl-incf (roo--last-id connection)))
         (message (list :id id :method method :params params)))
    (puthash id (cons success failure) (roo--callbacks connection))
    (cond ((roo--over-p connection) (run-at-time 0 nil #'roo--fail-all connection))
          ((or (roo--ready connection) (equal method "initialize"))
           (roo--write connection message))
          (t (push message (roo--waiting connection))))))

(defun roo--over-p (connection)
  "Whether CONNECTION has no server and gets none."
  (not (or (memq connection roo--connections) (roo--live-p connection))))

(defun roo--fail-all (connection)
  "Fail what CONNECTION has asked and never was answered."
  (let ((callbacks (hash-table-values (roo--callbacks connection))))
    (clrhash (roo--callbacks connection))
    (dolist (each callbacks)
      (when (cdr each)
        (with-demoted-errors "Roo: %S"
          (funcall (cdr each) '(:message "Roo ended before it had taken it.")))))))

(defun roo--say (format &rest arguments)
  "Tell the user FORMAT with ARGUMENTS.
Whoever types in the minibuffer is not disturbed: it is only logged."
  (let ((text (apply #'format-message format arguments)))
    (if (active-minibuffer-window)
        (let ((inhibit-message t)) (message "%s" text))
      (message "%s" text))))

(defun roo--receive (connection bytes)
  "Take BYTES from the server of CONNECTION, and handle whole messages.
What arrives while a message is handled waits for its turn."
  (when (buffer-live-p (roo--incoming connection))
    (with-current-buffer (roo--incoming connection)
      (goto-char (point-max))
      (insert bytes)))
  (unless (roo--draining connection)
    (setf (roo--draining connection) t)
    (unwind-protect
        (let (message)
          (while (setq message (roo--next-message connection))
            (with-demoted-errors "Roo: %S"
              (with-temp-buffer (roo--handle connection message)))))
      (setf (roo--draining connection) nil))))

(defun roo--next-message (connection)
  "Take the next whole message that CONNECTION has, as a plist, or nil."
  (when (buffer-live-p (roo--incoming connection))
    (with-current-buffer (roo--incoming connection)
      (goto-char (point-min))
      (when (search-forward "\r\n\r\n" nil t)
        (let ((start (point)) (case-fold-search t))
          (goto-char (point-min))
          (when (re-search-forward "^content-length: *\\([0-9]+\\)" start t)
            (let ((end (+ start (string-to-number (match-string 1)))))
              (when (<= end (point-max))
                (prog1 (json-parse-string
                        (decode-coding-string (buffer-substring start end) 'utf-8-unix)
                        :object-type 'plist :array-type 'list
                        :null-object nil :false-object nil)
                  (delete-region (point-min) end))))))))))

(defun roo--handle (connection message)
  "Act on MESSAGE, which came from the server of CONNECTION."
  (let ((id (plist-get message :id))
        (method (plist-get message :method)))
    (cond
     ((and method id) (roo--answer connection id method (plist-get message :params)))
     (method
      (when-let ((taker (cdr (assoc method roo--handlers))))
        (funcall taker connection (plist-get message :params))))
     (t
      (let ((callbacks (gethash id (roo--callbacks connection)))
            (problem (plist-get message :error)))
        (remhash id (roo--callbacks connection))
        (cond ((and problem (cdr callbacks)) (funcall (cdr callbacks) problem))
              (problem (roo--say "Roo: %s" (plist-get problem :message)))
              (callbacks (funcall (car callbacks) (plist-get message :result)))))))))

(defun roo--answer (connection id method params)
  "Answer the request ID of the server of CONNECTION: METHOD with PARAMS."
  (let* ((refuse (lambda (code text)
                   (roo--write connection
                               (list :id id :error (list :code code :message text)))))
         (reply (lambda (result &optional problem)
                  (if problem
                      (funcall refuse -32603 (format "%s" problem))
                    (roo--write connection (list :id id :result result)))))
         (handler (cdr (assoc method roo--handlers))))
    (if (null handler)
        (funcall refuse -32601 (format "%s is not known here" method))
      (condition-case problem
          (funcall handler connection params reply)
        (error (funcall refuse -32603 (error-message-string problem)))))))

(defun roo--on-nothing (_connection _params reply)
  "Agree, by REPLY."
  (funcall reply nil))

(dolist (method '("workspace/codeLens/refresh" "workspace/diagnostic/refresh"
                  "window/workDoneProgress/create"
                  "client/registerCapability" "client/unregisterCapability"))
  (roo--does method #'roo--on-nothing))

(defun roo--on-configuration (connection params reply)
  "Give to REPLY the settings that PARAMS ask for.
Who waits for CONNECTION to have them is called."
  (funcall reply
           (vconcat
            (mapcar (lambda (item)
                      (pcase (split-string (or (plist-get item :section) "roo") "\\.")
                        (`("roo" . ,keys)
                         (let ((value roo-settings))
                           (dolist (key keys value)
                             (setq value (plist-get value (intern (concat ":" key)))))))))
                    (plist-get params :items))))
  (let ((waiting (roo--configured connection)))
    (setf (roo--configured connection) nil)
    (mapc #'funcall waiting)))

(roo--does "workspace/configuration" #'roo--on-configuration)

(defun roo--on-message-request (_connection params reply)
  "Show the message in PARAMS; picking no action, by REPLY, decides nothing."
  (roo--say "%s" (plist-get params :message))
  (funcall reply nil))

(roo--does "window/showMessageRequest" #'roo--on-message-request)

(provide 'roo-connection)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-connection.el ends here
