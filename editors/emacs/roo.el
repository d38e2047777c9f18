;;; roo.el --- Roo, a coding agent, beside your language servers -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, convenience
;; URL: https://github.com/roo-lsp/roo-lsp
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; A small client for roo-lsp, a language server that is a coding agent.
;;
;;   (require 'roo)
;;   (global-set-key (kbd "C-c r") 'roo-command-map)
;;
;; then C-c r r asks what to do.  What Roo says and does is in the buffer *roo: PROJECT*, where
;; a, A and d answer what it asks; C-c r v goes through what it changed.
;;
;; Eglot gives a buffer one server.  So this file brings a connection of its own, beside the one
;; of eglot or lsp-mode: that one keeps serving the language, and is what Roo asks for
;; diagnostics, definitions and the like.  The connection is not jsonrpc.el's, which in Emacs 28
;; can answer a request only before its handler returns: Emacs would stand still for as long as
;; another server thinks.  Nothing here waits for anything.

;;; Code:

(require 'cl-lib)
(require 'diff-mode)
(require 'project)
(require 'seq)
(require 'subr-x)
(require 'tabulated-list)
(require 'url-util)

(defgroup roo nil
  "Roo, a coding agent."
  :group 'tools
  :prefix "roo-")

(defcustom roo-command '("roo-lsp")
  "The program that is the server, and its arguments."
  :type '(repeat string))

(defcustom roo-settings nil
  "Settings for the server, as a plist with the keys of section `roo'.
For example (:provider (:baseUrl \"http://127.0.0.1:11434/v1\")).
False is :json-false, a list is a vector.  Without any, Roo looks for a
model server on this machine.  After a change: \\[roo-restart]."
  :type '(plist :key-type symbol :value-type sexp))

(defcustom roo-show-changes t
  "Whether to mark in the buffers what Roo changed, until it is kept or reverted."
  :type 'boolean)

(defcustom roo-revert-buffers t
  "Whether to read files again that Roo's commands changed.
Buffers with unsaved changes are left alone."
  :type 'boolean)

(defcustom roo-display-action
  '((display-buffer-reuse-window roo-display-beside))
  "How the transcript is shown, as an action for `display-buffer'."
  :type display-buffer--action-custom-type)

(defcustom roo-output-lines 8
  "How many lines of a running command's output are shown."
  :type 'natnum)

(defface roo-user '((t :inherit (bold font-lock-keyword-face)))
  "What you said.")
(defface roo-tool '((t :inherit font-lock-function-name-face))
  "What a tool call is about.")
(defface roo-running '((t :inherit warning))
  "The mark of a tool call that runs or waits.")
(defface roo-done '((t :inherit success))
  "The mark of a tool call that is done.")
(defface roo-failed '((t :inherit error))
  "The mark of a tool call that failed, and what went wrong.")
(defface roo-note '((t :inherit shadow))
  "What is said beside the conversation.")
(defface roo-output '((t :inherit shadow))
  "Results of tool calls.")
(defface roo-waiting '((t :inherit (bold warning)))
  "What waits for you.")
(defface roo-button '((t :inherit custom-button))
  "Answers to what waits.")
(defface roo-code '((t :inherit font-lock-constant-face))
  "Code in what Roo says.")
(defface roo-heading '((t :inherit (bold font-lock-type-face)))
  "Headings in what Roo says.")
(defface roo-added '((t :inherit diff-added))
  "Lines that Roo wrote.")
(defface roo-removed '((t :inherit diff-removed))
  "Lines that Roo took away.")

;;; The connection

(cl-defstruct (roo--connection (:conc-name roo--) (:copier nil))
  "A running server and what is known of it."
  root                                  ; folder of the project, with a slash at the end
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
  pending                               ; what waits for the user, as roo.approval.list has it
  (told nil)                            ; request ids the user was told of
  line                                  ; what goes on now, one line
  changes                               ; what roo.changes.list says of the shown task
  changes-timer)

(defvar roo--connections nil
  "All that run.")

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
    :textDocument (:synchronization (:didSave t))))

(defun roo--live-p (connection)
  "Whether CONNECTION has a server."
  (and connection (process-live-p (roo--process connection))))

(defun roo--find (file)
  "The connection whose project FILE is in, or nil."
  (let ((names (list (expand-file-name file) (file-truename file))))
    (seq-find (lambda (connection)
                (seq-some (lambda (name) (string-prefix-p (roo--root connection) name)) names))
              (seq-sort-by (lambda (each) (length (roo--root each))) #'> roo--connections))))

(defun roo--current ()
  "The connection for this buffer, or nil."
  (if roo--connection
      (if (memq roo--connection roo--connections)
          roo--connection
        (roo--find (roo--root roo--connection)))
    (and (not (file-remote-p default-directory))
         (roo--find default-directory))))

(defun roo--require ()
  "The connection for this buffer, or an error that says what to do."
  (or (roo--current)
      (user-error "Roo does not run here: M-x roo starts a task")))

(defun roo--ensure ()
  "The connection for this buffer, started where there is none."
  (or (roo--current)
      (roo--start (if roo--connection
                      (roo--root roo--connection)
                    (let ((project (project-current)))
                      (if project (project-root project) default-directory))))))

(defun roo--start (folder)
  "Start the server for the project in FOLDER; the connection."
  (when (file-remote-p folder)
    (user-error "Roo works on this machine only; %s is on another" folder))
  (unless (and (fboundp 'json-available-p) (json-available-p))
    (user-error "Roo needs an Emacs with JSON support"))
  (unless (executable-find (car roo-command))
    (user-error "%s was not found: install it (uv tool install . in its clone) or set `roo-command'"
                (car roo-command)))
  (let* ((default-directory (file-name-as-directory (file-truename folder)))
         (name (file-name-nondirectory (directory-file-name default-directory)))
         (connection (make-roo--connection :root default-directory :name name)))
    (with-current-buffer (roo--incoming connection)
      (set-buffer-multibyte nil))
    (setf (roo--process connection)
          (make-process
           :name (format "roo %s" name)
           :command roo-command
           :connection-type 'pipe
           :coding 'binary
           :noquery t
           :stderr (get-buffer-create (format " *roo log: %s*" name) t)
           :filter (lambda (_process bytes) (roo--receive connection bytes))
           :sentinel (lambda (process _change)
                       (unless (process-live-p process) (roo--ended connection)))))
    (let ((log (get-buffer-process (format " *roo log: %s*" name))))
      (when log
        (set-process-query-on-exit-flag log nil)
        (set-process-sentinel log #'ignore)))
    (push connection roo--connections)
    (roo--initialize connection)
    (roo--hook)
    connection))

(defun roo--initialize (connection)
  "Shake hands with the server of CONNECTION.
Then send it all open documents, and what waits."
  (let ((uri (roo--uri (directory-file-name (roo--root connection)))))
    (roo--send-request
     connection "initialize"
     (list :processId (emacs-pid)
           :clientInfo (list :name "Emacs" :version emacs-version)
           :rootUri uri
           :workspaceFolders (vector (list :uri uri :name (roo--name connection)))
           :capabilities (roo--capabilities)
           :initializationOptions (list :settings (or roo-settings (make-hash-table))
                                        :client (list :extensions roo--extensions)))
     (lambda (_result)
       (roo--write connection (list :method "initialized" :params (make-hash-table)))
       (setf (roo--ready connection) t)
       (dolist (buffer (buffer-list))
         (roo--open buffer))
       (dolist (message (nreverse (roo--waiting connection)))
         (roo--write connection message))
       (setf (roo--waiting connection) nil))
     (lambda (problem)
       (roo--say "Roo did not start: %s" (plist-get problem :message))))))

(defun roo--ended (connection)
  "Clean up after the server of CONNECTION."
  (when (memq connection roo--connections)
    (let ((code (process-exit-status (roo--process connection))))
      (unless (eq code 0)
        (roo--say "Roo ended with exit code %s.  See the buffer ` *roo log: %s*', then M-x roo-restart"
                  code (roo--name connection)))))
  (setq roo--connections (delq connection roo--connections))
  (maphash (lambda (_uri buffer)
             (when (buffer-live-p buffer)
               (with-current-buffer buffer
                 (setq roo--document nil)
                 (roo--unmark))))
           (roo--documents connection))
  (clrhash (roo--documents connection))
  (dolist (timer (list (roo--sync-timer connection) (roo--changes-timer connection)))
    (when timer (cancel-timer timer)))
  (when (buffer-live-p (roo--incoming connection))
    (kill-buffer (roo--incoming connection)))
  (let ((transcript (roo--transcript connection)))
    (when transcript
      (setf (roo--pending connection) nil
            (roo--line connection) "not running")
      (with-current-buffer transcript (roo--draw-footer))))
  (unless roo--connections (roo--unhook))
  (force-mode-line-update t))

(defun roo--stop (connection)
  "End the server of CONNECTION the way LSP wants it, without waiting."
  (setq roo--connections (delq connection roo--connections))
  (let ((end (lambda (&rest _)
               (when (roo--live-p connection)
                 (roo--write connection '(:method "exit"))
                 (process-send-eof (roo--process connection))))))
    (if (roo--ready connection)
        (roo--send-request connection "shutdown" nil end end)
      (funcall end))))

(defun roo--stop-all ()
  "End every server: Emacs ends."
  (dolist (connection roo--connections)
    (ignore-errors
      (roo--write connection '(:id 0 :method "shutdown"))
      (roo--write connection '(:method "exit")))))

;;;; Messages out

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
      (process-send-string (roo--process connection)
                           (concat (format "Content-Length: %d\r\n\r\n" (length body)) body)))))

(defun roo--send-request (connection method params success &optional failure)
  "Have the server of CONNECTION do METHOD with PARAMS, once it is ready.
SUCCESS gets the result, FAILURE the error, a plist; without FAILURE the
user is told."
  (let* ((id (cl-incf (roo--last-id connection)))
         (message (list :id id :method method :params params)))
    (puthash id (cons success failure) (roo--callbacks connection))
    (if (or (roo--ready connection) (equal method "initialize"))
        (roo--write connection message)
      (push message (roo--waiting connection)))))

(defun roo--execute (connection command argument &optional success failure)
  "Have the server of CONNECTION run COMMAND with ARGUMENT, a plist.
SUCCESS gets the result; FAILURE the error, which else the user is told."
  (roo--flush connection)
  (roo--send-request connection "workspace/executeCommand"
                     (list :command command
                           :arguments (vector (or argument (make-hash-table))))
                     (or success #'ignore) failure))

(defun roo--say (format &rest arguments)
  "Tell the user FORMAT with ARGUMENTS.
Whoever types in the minibuffer is not disturbed: it is only logged."
  (let ((text (apply #'format-message format arguments)))
    (if (active-minibuffer-window)
        (let ((inhibit-message t)) (message "%s" text))
      (message "%s" text))))

;;;; Messages in

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
     (method (roo--notified connection method (plist-get message :params)))
     (t
      (let ((callbacks (gethash id (roo--callbacks connection)))
            (problem (plist-get message :error)))
        (remhash id (roo--callbacks connection))
        (cond ((and problem (cdr callbacks)) (funcall (cdr callbacks) problem))
              (problem (roo--say "Roo: %s" (plist-get problem :message)))
              (callbacks (funcall (car callbacks) (plist-get message :result)))))))))

(defconst roo--handlers
  '(("workspace/applyEdit" . roo--on-apply-edit)
    ("workspace/configuration" . roo--on-configuration)
    ("workspace/workspaceFolders" . roo--on-nothing)
    ("workspace/codeLens/refresh" . roo--on-nothing)
    ("workspace/diagnostic/refresh" . roo--on-nothing)
    ("window/workDoneProgress/create" . roo--on-nothing)
    ("client/registerCapability" . roo--on-nothing)
    ("client/unregisterCapability" . roo--on-nothing)
    ("window/showMessageRequest" . roo--on-message-request)
    ("window/showDocument" . roo--on-show-document)
    ("roo/requestPermission" . roo--on-permission)
    ("roo/saveDocuments" . roo--on-save)
    ("roo/diagnostics" . roo--on-diagnostics)
    ("roo/definition" . roo--on-definition)
    ("roo/references" . roo--on-references)
    ("roo/hover" . roo--on-hover)
    ("roo/documentSymbol" . roo--on-document-symbol)
    ("roo/workspaceSymbol" . roo--on-workspace-symbol)
    ("roo/rename" . roo--on-rename))
  "Method to function of connection, params and the function that takes the result.")

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

(defun roo--notified (connection method params)
  "Take the notification METHOD with PARAMS from the server of CONNECTION."
  (pcase method
    ("$/progress"
     (let* ((value (plist-get params :value))
            (event (plist-get value :roo)))
       (when (plist-get value :message)
         (setf (roo--line connection) (plist-get value :message)))
       (if event
           (roo--queue connection event)
         (force-mode-line-update t))))
    ("roo/event" (roo--queue connection params))
    ("window/showMessage"
     (let ((text (plist-get params :message)))
       (if (string-prefix-p "Roo waits for you" text)
           (roo--refresh-pending connection)
         (roo--say "%s" text))))))

(defun roo--on-nothing (_connection _params reply)
  "Agree, by REPLY."
  (funcall reply nil))

(defun roo--on-configuration (_connection params reply)
  "Give to REPLY the settings that PARAMS ask for."
  (funcall reply
           (vconcat
            (mapcar (lambda (item)
                      (pcase (split-string (or (plist-get item :section) "roo") "\\.")
                        (`("roo" . ,keys)
                         (let ((value roo-settings))
                           (dolist (key keys value)
                             (setq value (plist-get value (intern (concat ":" key)))))))))
                    (plist-get params :items)))))

(defun roo--on-message-request (_connection params reply)
  "Show the message in PARAMS; picking no action, by REPLY, decides nothing."
  (roo--say "%s" (plist-get params :message))
  (funcall reply nil))

(defun roo--on-permission (connection _params reply)
  "Show that CONNECTION has a question; REPLY nothing, so that it stays open."
  (funcall reply nil)
  (roo--refresh-pending connection))

(defun roo--on-show-document (_connection params reply)
  "Show the document in PARAMS, and tell REPLY whether that was possible."
  (let ((uri (plist-get params :uri)))
    (if (plist-get params :external)
        (browse-url uri)
      (let ((buffer (find-file-noselect (roo--path uri))))
        (with-current-buffer buffer
          (unless (roo--find buffer-file-name) (view-mode 1)))
        (if (and (plist-get params :takeFocus) (not (active-minibuffer-window)))
            (pop-to-buffer buffer)
          (display-buffer buffer))
        (when-let ((range (plist-get params :selection)))
          (with-current-buffer buffer
            (goto-char (roo--point (plist-get range :start)))))))
    (funcall reply '(:success t))))

;;; Documents

(defun roo--uri (path)
  "The URI of PATH."
  (let ((name (expand-file-name path)))
    (concat "file://" (if (string-prefix-p "/" name) "" "/")
            (url-hexify-string name (cons ?/ url-unreserved-chars)))))

(defun roo--path (uri)
  "The path that URI names."
  (let ((name (decode-coding-string
               (url-unhex-string (string-remove-prefix "file://" uri)) 'utf-8)))
    (if (string-match-p "\\`/[a-zA-Z]:" name) (substring name 1) name)))

(defun roo--buffer (uri)
  "The buffer that has the file of URI, or nil."
  (and (string-prefix-p "file://" uri) (find-buffer-visiting (roo--path uri))))

(defun roo--line-end ()
  "What ends a line of this buffer on disk."
  (pcase (coding-system-eol-type (or buffer-file-coding-system 'utf-8-unix))
    (1 "\r\n")
    (2 "\r")
    (_ "\n")))

(defun roo--text ()
  "The text of this buffer as saving would write it, whatever is narrowed."
  (let ((text (save-restriction
                (widen)
                (buffer-substring-no-properties (point-min) (point-max))))
        (end (roo--line-end)))
    (if (equal end "\n") text (string-replace "\n" end text))))

(defun roo--open (buffer)
  "Tell the server that BUFFER is open, where it is a file of a project with one."
  (with-current-buffer buffer
    (when (and buffer-file-name (null roo--document)
               (not (file-remote-p buffer-file-name))
               (not (buffer-base-buffer)))
      (when-let ((connection (roo--find buffer-file-name)))
        (when (roo--ready connection)
          (let ((uri (roo--uri buffer-file-name)))
            (setq roo--document (list :uri uri :version 0 :tick (buffer-chars-modified-tick)))
            (puthash uri buffer (roo--documents connection))
            (roo--watch)
            (roo--write
             connection
             (list :method "textDocument/didOpen"
                   :params (list :textDocument
                                 (list :uri uri :version 0 :languageId (roo--language)
                                       :text (roo--text)))))))))))

(defun roo--watch ()
  "Notice what happens to this buffer, where the server knows it.
A new major mode forgets the hooks, so this is done again."
  (when roo--document
    (add-hook 'after-change-functions #'roo--changed nil t)
    (add-hook 'after-save-hook #'roo--saved nil t)
    (add-hook 'kill-buffer-hook #'roo--close nil t)))

(defun roo--language ()
  "The language of this buffer, from its major mode."
  (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode)))

(defun roo--close ()
  "Tell the server that this buffer is closed."
  (when roo--document
    (let* ((uri (plist-get roo--document :uri))
           (connection (seq-find (lambda (each) (gethash uri (roo--documents each)))
                                 roo--connections)))
      (setq roo--document nil)
      (when connection
        (remhash uri (roo--documents connection))
        (roo--write connection (list :method "textDocument/didClose"
                                     :params (list :textDocument (list :uri uri))))))))

(defun roo--changed (&rest _)
  "Have the server hear of the change of this buffer, soon."
  (when-let ((connection (and roo--document (roo--find buffer-file-name))))
    (unless (roo--sync-timer connection)
      (setf (roo--sync-timer connection)
            (run-with-idle-timer 0.3 nil #'roo--flush connection)))))

(defun roo--saved ()
  "Tell the server that this buffer was saved, perhaps by another name."
  (when roo--document
    (unless (equal (plist-get roo--document :uri) (roo--uri buffer-file-name))
      (roo--close)
      (roo--open (current-buffer)))
    (when-let ((connection (roo--find buffer-file-name)))
      (roo--flush connection)
      (roo--write connection
                  (list :method "textDocument/didSave"
                        :params (list :textDocument
                                      (list :uri (plist-get roo--document :uri))))))))

(defun roo--flush (connection)
  "Tell the server of CONNECTION the text of every document that changed.
Ticks are compared, not only hooks heeded: a change through an indirect
buffer runs none here."
  (when-let ((timer (roo--sync-timer connection)))
    (cancel-timer timer)
    (setf (roo--sync-timer connection) nil))
  (maphash
   (lambda (uri buffer)
     (when (buffer-live-p buffer)
       (with-current-buffer buffer
         (let ((tick (buffer-chars-modified-tick)))
           (unless (eql tick (plist-get roo--document :tick))
             (setq roo--document
                   (list :uri uri :version (1+ (plist-get roo--document :version)) :tick tick))
             (roo--write
              connection
              (list :method "textDocument/didChange"
                    :params (list :textDocument
                                  (list :uri uri :version (plist-get roo--document :version))
                                  :contentChanges (vector (list :text (roo--text)))))))))))
   (roo--documents connection)))

(defun roo--hook ()
  "Have every file that is opened from now on looked at."
  (add-hook 'find-file-hook #'roo--opened)
  (add-hook 'after-change-major-mode-hook #'roo--watch)
  (add-hook 'kill-emacs-hook #'roo--stop-all)
  (add-to-list 'mode-line-misc-info '(:eval (roo-mode-line))))

(defun roo--unhook ()
  "Undo `roo--hook'."
  (remove-hook 'find-file-hook #'roo--opened)
  (remove-hook 'after-change-major-mode-hook #'roo--watch)
  (remove-hook 'kill-emacs-hook #'roo--stop-all)
  (setq mode-line-misc-info (delete '(:eval (roo-mode-line)) mode-line-misc-info)))

(defun roo--opened ()
  "Look at the file that was opened, and at what Roo changed in it."
  (roo--open (current-buffer))
  (when roo--document
    (roo--mark (roo--find buffer-file-name))))

;;;; Positions

(defun roo--point (position)
  "Where POSITION is in this buffer, at the line's end at the latest."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (if (save-excursion (search-forward "\r" nil t))
          ;; The server takes a lone carriage return for a line's end, Emacs does not.
          (re-search-forward "\r\n\\|\n\\|\r" nil 'stay (plist-get position :line))
        (forward-line (plist-get position :line)))
      (min (+ (point) (plist-get position :character))
           (save-excursion (skip-chars-forward "^\r\n") (point))))))

(defun roo--position (point)
  "POINT of this buffer as the server counts."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char point)
      (let ((start (save-excursion (skip-chars-backward "^\r\n") (point)))
            (lines 0))
        (goto-char (point-min))
        (while (re-search-forward "\r\n\\|\n\\|\r" start t)
          (cl-incf lines))
        (list :line lines :character (- point start))))))

(defun roo--range (beg end)
  "From BEG to END as the server counts."
  (list :start (roo--position beg) :end (roo--position end)))

;;;; Edits

(defun roo--on-apply-edit (connection params reply)
  "Make the edit in PARAMS that CONNECTION wants, and REPLY whether it is made.
All of it is made or nothing.  What the user typed meanwhile is told
before, so that the versions are those of the text."
  (roo--flush connection)
  (let* ((edit (plist-get params :edit))
         (changes (or (plist-get edit :documentChanges)
                      (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
                               collect (list :textDocument
                                             (list :uri (substring (symbol-name uri) 1))
                                             :edits edits))))
         (reason (seq-some #'roo--why-not changes)))
    (unless reason
      (condition-case problem
          (mapc #'roo--apply changes)
        (error (setq reason (error-message-string problem)))))
    (roo--flush connection)
    (roo--mark connection)
    (funcall reply (if reason
                       (list :applied :json-false :failureReason reason)
                     '(:applied t)))))

(defun roo--why-not (change)
  "Why CHANGE, of one document, cannot be made, or nil."
  (let* ((kind (plist-get change :kind))
         (place (or (plist-get change :textDocument) change))
         (uri (plist-get place :uri))
         (version (plist-get place :version))
         (buffer (roo--buffer uri))
         (name (file-name-nondirectory (roo--path uri))))
    (cond
     ((and kind (not (equal kind "delete"))) (format "Emacs does not %s files for Roo" kind))
     (kind nil)
     ((null buffer)
      (unless (file-writable-p (roo--path uri)) (format "%s cannot be written" name)))
     ((buffer-local-value 'buffer-read-only buffer) (format "%s is read-only in Emacs" name))
     ((and version
           (/= version (or (plist-get (buffer-local-value 'roo--document buffer) :version) -1)))
      (format "%s has changed in Emacs meanwhile" name))
     ((not (or (buffer-modified-p buffer) (verify-visited-file-modtime buffer)))
      (format "%s is another one on disk than in Emacs: revert or save the buffer first" name)))))

(defun roo--apply (change)
  "Make CHANGE, of one document."
  (if (equal (plist-get change :kind) "delete")
      (roo--delete (roo--path (plist-get change :uri)))
    (let ((path (roo--path (plist-get (plist-get change :textDocument) :uri)))
          (edits (plist-get change :edits)))
      (with-current-buffer (or (find-buffer-visiting path) (find-file-noselect path))
        (save-excursion
          (save-restriction
            (widen)
            (undo-boundary)
            (let ((create-lockfiles nil)
                  (group (prepare-change-group)))
              ;; From the end, so that the places of the others stay what they are.
              (dolist (each (seq-sort (lambda (one two) (> (car one) (car two)))
                                      (mapcar #'roo--edit-here edits)))
                (apply #'roo--replace each))
              (undo-amalgamate-change-group group))
            (undo-boundary)))))))

(defun roo--edit-here (edit)
  "EDIT as (BEG END TEXT) of this buffer."
  (let* ((range (plist-get edit :range))
         (text (plist-get edit :newText))
         (end (roo--line-end)))
    (list (roo--point (plist-get range :start))
          (roo--point (plist-get range :end))
          (if (equal end "\n") text (string-replace end "\n" text)))))

(defun roo--replace (beg end text)
  "Put TEXT from BEG to END; what is the same, and markers in it, stay."
  (let* ((old (buffer-substring-no-properties beg end))
         (least (min (length old) (length text)))
         (same (compare-strings old nil nil text nil nil))
         (front (if (eq same t) least (1- (abs same))))
         (back 0))
    (while (and (< back (- least front))
                (eq (aref old (- (length old) back 1)) (aref text (- (length text) back 1))))
      (cl-incf back))
    (let ((beg (+ beg front)) (end (- end back))
          (text (substring text front (- (length text) back))))
      (if (or (= beg end) (string-empty-p text) (> (+ (- end beg) (length text)) 20000))
          (progn
            (goto-char beg)
            (delete-region beg end)
            (insert text))
        (let ((new (generate-new-buffer " *roo edit*" t)))
          (unwind-protect
              (progn
                (with-current-buffer new (insert text))
                (save-restriction
                  (narrow-to-region beg end)
                  (replace-buffer-contents new 0.2)))
            (kill-buffer new)))))))

(defun roo--delete (path)
  "Delete the file PATH, and the buffer that has it."
  (delete-file path t)
  (when-let ((buffer (find-buffer-visiting path)))
    (with-current-buffer buffer (set-buffer-modified-p nil))
    (kill-buffer buffer)))

;;;; Saving and reverting

(defun roo--on-save (_connection params reply)
  "Save the buffers that PARAMS name, and tell REPLY which are saved."
  (let (saved)
    (dolist (uri (plist-get params :uris))
      (when-let ((buffer (roo--buffer uri)))
        (with-current-buffer buffer
          ;; One that is another on disk would ask the user, who may be typing anything.
          (when (verify-visited-file-modtime buffer)
            (with-demoted-errors "Roo: %S"
              (let ((inhibit-message t)) (save-buffer))))
          (unless (buffer-modified-p) (push uri saved)))))
    (funcall reply (list :saved (vconcat (nreverse saved))))))

(defun roo--revert-unchanged (connection)
  "Read again what CONNECTION changed on disk, where nothing would be lost."
  (when roo-revert-buffers
    (dolist (buffer (hash-table-values (roo--documents connection)))
      (when (and (buffer-live-p buffer) (not (buffer-modified-p buffer))
                 (not (verify-visited-file-modtime buffer))
                 (file-exists-p (buffer-file-name buffer)))
        (with-current-buffer buffer
          (with-demoted-errors "Roo: %S"
            (let ((inhibit-message t)) (revert-buffer t t t))))))
    (roo--flush connection)))

;;; The other language servers

(defvar eglot--managed-mode)
(defvar flycheck-current-errors)
(defvar lsp-mode)
(declare-function eglot-current-server "ext:eglot")
(declare-function eglot--capabilities "ext:eglot")
(declare-function eglot--signal-textDocument/didChange "ext:eglot")
(declare-function flymake-diagnostics "flymake")
(declare-function flymake-diagnostic-beg "flymake")
(declare-function flymake-diagnostic-end "flymake")
(declare-function flymake-diagnostic-text "flymake")
(declare-function flymake-diagnostic-type "flymake")
(declare-function flymake-diagnostic-backend "flymake")
(declare-function flymake--lookup-type-property "flymake")
(declare-function flycheck-error-level "ext:flycheck")
(declare-function flycheck-error-message "ext:flycheck")
(declare-function flycheck-error-checker "ext:flycheck")
(declare-function flycheck-error-region-for-mode "ext:flycheck")
(declare-function jsonrpc-async-request "jsonrpc")
(declare-function lsp-request-async "ext:lsp-mode")
(declare-function lsp-workspaces "ext:lsp-mode")
(declare-function lsp--workspace-server-capabilities "ext:lsp-mode")
(declare-function lsp--workspace-server-id "ext:lsp-mode")
(declare-function lsp-feature? "ext:lsp-mode")
(declare-function eglot--server-info "ext:eglot")

(defun roo--eglot ()
  "The eglot server of this buffer, where it is not Roo itself."
  (when (bound-and-true-p eglot--managed-mode)
    (let ((server (eglot-current-server)))
      (unless (equal (plist-get (eglot--server-info server) :name) "roo-lsp")
        server))))

(defun roo--lsp-workspaces ()
  "The servers that lsp-mode has for this buffer, without Roo itself."
  (when (bound-and-true-p lsp-mode)
    (seq-remove (lambda (each) (eq (lsp--workspace-server-id each) 'roo-lsp))
                (lsp-workspaces))))

(defun roo--served-p ()
  "Whether another language server looks at this buffer."
  (or (roo--eglot) (roo--lsp-workspaces)))

(defun roo--encoding ()
  "How the other server of this buffer counts characters: utf-8, utf-16 or utf-32."
  (let ((capabilities
         (if-let ((server (roo--eglot)))
             (eglot--capabilities server)
           (lsp--workspace-server-capabilities (car (roo--lsp-workspaces))))))
    (intern (or (if (hash-table-p capabilities)
                    (gethash "positionEncoding" capabilities)
                  (plist-get capabilities :positionEncoding))
                "utf-16"))))

(defun roo--visit-hidden (connection uri)
  "The buffer of URI, opened where it is in the project of CONNECTION.
Nil where no other server could know it."
  (or (roo--buffer uri)
      (let ((path (roo--path uri)))
        (when (and (or (featurep 'eglot) (featurep 'lsp-mode))
                   (eq (roo--find path) connection)
                   (file-regular-p path)
                   (< (file-attribute-size (file-attributes path)) 1000000))
          (let ((enable-local-variables :safe)
                (enable-local-eval nil)
                (inhibit-message t))
            (find-file-noselect path t))))))

(defun roo--ask (connection method params reply empty)
  "Have another server do METHOD with PARAMS, and give REPLY the result.
CONNECTION is Roo's own.  EMPTY stands for what a server that found
nothing has found."
  (let* ((uri (plist-get (plist-get params :textDocument) :uri))
         (buffer (if uri
                     (roo--visit-hidden connection uri)
                   (seq-find (lambda (each)
                               (and (buffer-live-p each)
                                    (with-current-buffer each (roo--served-p))))
                             (hash-table-values (roo--documents connection))))))
    (if (not (and buffer (with-current-buffer buffer (roo--served-p))))
        (funcall reply nil)
      (with-current-buffer buffer
        (let* ((encoding (roo--encoding))
               (position (plist-get params :position))
               (done (lambda (result)
                       (funcall reply (or (roo--translated result uri encoding) empty))))
               (failed (lambda (problem) (funcall reply nil problem))))
          (when position
            (setq params (plist-put (copy-sequence params) :position
                                    (roo--position-for encoding position))))
          (if-let ((server (roo--eglot)))
              (progn
                (when (fboundp 'eglot--signal-textDocument/didChange)
                  (eglot--signal-textDocument/didChange))
                (jsonrpc-async-request
                 server (intern (concat ":" method)) params
                 :timeout 18
                 :success-fn done
                 :error-fn (lambda (problem) (funcall failed (plist-get problem :message)))
                 :timeout-fn (lambda () (funcall failed "no answer in 18 s"))))
            (roo--ask-lsp-mode method params done failed)))))))

(defun roo--ask-lsp-mode (method params done failed)
  "Have lsp-mode's servers do METHOD with PARAMS: DONE or FAILED is called."
  (if (not (lsp-feature? method))
      (funcall failed (format "no server here does %s" method))
    (lsp-request-async method params done
                       :mode 'detached
                       :error-handler (lambda (problem)
                                        (funcall failed
                                                 (if (hash-table-p problem)
                                                     (gethash "message" problem)
                                                   (plist-get problem :message)))))))

(defun roo--units (text encoding)
  "The length of TEXT in units of ENCODING."
  (pcase encoding
    ('utf-8 (string-bytes text))
    ('utf-16 (+ (length text) (cl-count-if (lambda (each) (> each #xffff)) text)))
    (_ (length text))))

(defun roo--position-for (encoding position)
  "POSITION of this buffer, which counts characters, in units of ENCODING."
  (save-excursion
    (save-restriction
      (widen)
      (let ((point (roo--point position)))
        (goto-char point)
        (list :line (plist-get position :line)
              :character (roo--units (buffer-substring-no-properties
                                      (line-beginning-position) point)
                                     encoding))))))

(defun roo--line-text (uri line)
  "The text of LINE, counted from 0, of the document URI, open or not."
  (let ((buffer (roo--buffer uri))
        (look (lambda ()
                (goto-char (point-min))
                (forward-line line)
                (buffer-substring-no-properties (point) (line-end-position)))))
    (cond (buffer (with-current-buffer buffer
                    (save-excursion (save-restriction (widen) (funcall look)))))
          ((file-readable-p (roo--path uri))
           (with-temp-buffer
             (insert-file-contents (roo--path uri))
             (funcall look)))
          (t ""))))

(defun roo--counted (position uri encoding)
  "POSITION of the document URI, which counts units of ENCODING, in characters."
  (let* ((text (roo--line-text uri (plist-get position :line)))
         (wanted (plist-get position :character))
         (count 0)
         (units 0))
    (while (and (< count (length text)) (< units wanted))
      (cl-incf units (roo--units (substring text count (1+ count)) encoding))
      (cl-incf count))
    (list :line (plist-get position :line) :character (if (string-empty-p text) wanted count))))

(defun roo--translated (value uri encoding)
  "VALUE, which another server sent about the document URI, as Roo is told it.
Positions count characters, not units of ENCODING; lists are vectors,
objects plists."
  (cond
   ((hash-table-p value)
    (let (plist)
      (maphash (lambda (key each) (setq plist `(,(intern (format ":%s" key)) ,each ,@plist)))
               value)
      (roo--translated plist uri encoding)))
   ((vectorp value)
    (vconcat (mapcar (lambda (each) (roo--translated each uri encoding)) value)))
   ((not (consp value)) value)
   ((not (keywordp (car value)))
    (roo--translated (vconcat value) uri encoding))
   ((and (plist-member value :line) (plist-member value :character))
    (if (or (eq encoding 'utf-32) (null uri)) value (roo--counted value uri encoding)))
   (t
    (let ((uri (or (plist-get value :uri) (plist-get value :targetUri)
                   (plist-get (roo--translated (plist-get value :textDocument) nil 'utf-32) :uri)
                   uri)))
      (cl-loop for (key each) on value by #'cddr
               for inside = (cond ((string-prefix-p ":file:" (symbol-name key))
                                   (substring (symbol-name key) 1))
                                  ((eq key :originSelectionRange) nil)
                                  (t uri))
               append (list key (roo--translated each inside encoding)))))))

(defun roo--on-definition (connection params reply)
  "Find the definition that PARAMS ask for, beside CONNECTION; REPLY gets it."
  (roo--ask connection "textDocument/definition" params reply []))

(defun roo--on-references (connection params reply)
  "Find the references that PARAMS ask for, beside CONNECTION; REPLY gets them."
  (roo--ask connection "textDocument/references" params reply []))

(defun roo--on-hover (connection params reply)
  "Find what is known at the place in PARAMS, beside CONNECTION; REPLY gets it."
  (roo--ask connection "textDocument/hover" params reply nil))

(defun roo--on-document-symbol (connection params reply)
  "Find the symbols of the document in PARAMS, beside CONNECTION; REPLY gets them."
  (roo--ask connection "textDocument/documentSymbol" params reply []))

(defun roo--on-workspace-symbol (connection params reply)
  "Find the symbols that PARAMS ask for, beside CONNECTION; REPLY gets them."
  (roo--ask connection "workspace/symbol" params reply []))

(defun roo--on-rename (connection params reply)
  "Find what the renaming in PARAMS would change, beside CONNECTION.
REPLY gets the edit, which is not made here."
  (roo--ask connection "textDocument/rename" params reply nil))

;;;; Diagnostics

(defvar roo--published nil
  "Functions that wait for the next diagnostics of eglot or lsp-mode.")

(defun roo--publish (&rest _)
  "Let those go on that wait for diagnostics, once the buffers have them."
  (let ((waiting roo--published))
    (setq roo--published nil)
    (dolist (each waiting)
      (run-at-time 0.1 nil each))))

(with-eval-after-load 'eglot
  ;; Eglot's own way of extension; it has no hook for this.
  (eval '(cl-defmethod eglot-handle-notification :after
           (_server (_method (eql textDocument/publishDiagnostics)) &rest _)
           (roo--publish))
        t))

(with-eval-after-load 'lsp-mode
  (add-hook 'lsp-diagnostics-updated-hook #'roo--publish))

(defun roo--on-diagnostics (connection params reply)
  "Tell REPLY what others say of the documents in PARAMS or of CONNECTION.
With :wait they may look once more, for 1.8 seconds at the most."
  (let* ((buffers (if (plist-member params :uris)
                      (delq nil (mapcar #'roo--buffer (plist-get params :uris)))
                    (seq-filter #'buffer-live-p
                                (hash-table-values (roo--documents connection)))))
         (answer (lambda ()
                   (when reply
                     (funcall reply (list :items (vconcat (delq nil (mapcar #'roo--diagnosed
                                                                            buffers)))))
                     (setq reply nil)))))
    (if (not (and (plist-get params :wait)
                  (seq-some (lambda (each) (with-current-buffer each (roo--served-p))) buffers)))
        (funcall answer)
      (push answer roo--published)
      (run-at-time 1.8 nil answer)
      (dolist (each buffers)
        (with-current-buffer each
          (when (and (roo--eglot) (fboundp 'eglot--signal-textDocument/didChange))
            (eglot--signal-textDocument/didChange)))))))

(defun roo--diagnosed (buffer)
  "What flymake or flycheck says of BUFFER, or nil where neither looks at it."
  (with-current-buffer buffer
    (let ((found (cond ((bound-and-true-p flymake-mode) (roo--from-flymake))
                       ((bound-and-true-p flycheck-mode) (roo--from-flycheck))
                       (t 'nobody))))
      (unless (eq found 'nobody)
        (list :uri (or (plist-get roo--document :uri) (roo--uri buffer-file-name))
              :diagnostics (vconcat found))))))

(defun roo--severity (level)
  "The severity of LSP that flymake's or flycheck's LEVEL stands for."
  (let ((name (format "%s" level)))
    (cond ((string-match-p "error" name) 1)
          ((string-match-p "warning" name) 2)
          (t 3))))

(defun roo--from-flymake ()
  "The diagnostics of flymake in this buffer."
  (unless (and (bound-and-true-p eglot--managed-mode) (null (roo--eglot)))
    (mapcar (lambda (each)
              (list :range (roo--range (flymake-diagnostic-beg each) (flymake-diagnostic-end each))
                    :severity (roo--severity (flymake-diagnostic-type each))
                    :source (format "%s" (flymake-diagnostic-backend each))
                    :message (flymake-diagnostic-text each)))
            (flymake-diagnostics))))

(defun roo--from-flycheck ()
  "The diagnostics of flycheck in this buffer."
  (mapcar (lambda (each)
            (let ((region (or (flycheck-error-region-for-mode each major-mode)
                              (cons (point-min) (point-min)))))
              (list :range (roo--range (car region) (cdr region))
                    :severity (roo--severity (flycheck-error-level each))
                    :source (format "%s" (flycheck-error-checker each))
                    :message (or (flycheck-error-message each) ""))))
          flycheck-current-errors))

;;; Events

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
        (roo--draw-events connection
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
  "Keep what EVENT says of its task of CONNECTION.
Look after what waits for the user, and after what changed."
  (let* ((task (plist-get event :taskId))
         (update (plist-get event :update)))
    (pcase (plist-get update :sessionUpdate)
      ("_state"
       (roo--learn connection task :state (plist-get update :state))
       (roo--refresh-pending connection)
       (unless (equal (plist-get update :state) "running")
         (roo--revert-unchanged connection)
         (roo--refresh-changes connection)))
      ("current_mode_update"
       (roo--learn connection task :mode (plist-get update :currentModeId)))
      ("usage_update"
       (roo--learn connection task :used (plist-get update :used) :size (plist-get update :size)
                   :cost (plist-get (plist-get update :cost) :amount)))
      ((or "_permission" "_question") (roo--refresh-pending connection))
      ("_changes" (roo--refresh-changes connection)))))

(defun roo--refresh-pending (connection)
  "Ask the server of CONNECTION what waits for the user, and show it."
  (roo--execute
   connection "roo.approval.list" nil
   (lambda (entries)
     (setf (roo--pending connection) entries)
     (roo--draw-queued)                 ; what led to the question is above it
     (when-let ((transcript (roo--transcript connection)))
       (with-current-buffer transcript (roo--draw-footer)))
     (dolist (entry entries)
       (let ((id (plist-get entry :requestId)))
         (unless (member id (roo--told connection))
           (push id (roo--told connection))
           (roo--say "%s" (roo--call-for-you entry)))))
     (force-mode-line-update t))))

(defun roo--call-for-you (entry)
  "One line that says that ENTRY waits, and what to do."
  (let ((question (equal (plist-get entry :kind) "question")))
    (format "Roo %s: %s  (%s)"
            (if question "asks" "waits for you")
            (truncate-string-to-width (car (split-string (plist-get entry :title) "\n")) 60 nil nil t)
            (substitute-command-keys
             (if question "\\[roo-answer]" "\\[roo-approve], \\[roo-deny]")))))

(defun roo-mode-line ()
  "What the mode line says of Roo here: it is idle, works, or waits for you."
  (when-let ((connection (roo--current)))
    (let* ((waiting (length (roo--pending connection)))
           (running (seq-some (lambda (each) (equal (plist-get (cdr each) :state) "running"))
                              (roo--tasks connection)))
           (text (cond ((> waiting 0) (format "Roo:%d?" waiting))
                       (running "Roo:…")
                       (t "Roo"))))
      (list " " (propertize text
                            'face (cond ((> waiting 0) 'roo-waiting) (running 'roo-running))
                            'help-echo (or (roo--line connection) "Roo")
                            'mouse-face 'mode-line-highlight
                            'local-map (make-mode-line-mouse-map 'mouse-1 #'roo-show))))))

;;; The transcript

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
(defvar-local roo--speaking nil
  "The kind of chunk that the end of the conversation is made of.")

(cl-defstruct (roo--entry (:copier nil))
  "Something that folds in the transcript."
  id title kind tool status (output "") text diffs (folded t) touched beg end location)

(defvar roo-transcript-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (pcase-dolist (`(,key . ,command)
                   '(("a" . roo-approve) ("A" . roo-always) ("d" . roo-deny) ("v" . roo-details)
                     ("RET" . roo-act) ("TAB" . roo-toggle) ("m" . roo-compose)
                     ("n" . roo-next) ("p" . roo-previous) ("r" . roo-review)
                     ("k" . roo-cancel) ("t" . roo-tasks) ("M" . roo-set-mode)
                     ("P" . roo-set-profile) ("o" . roo-open)))
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

(defun roo--transcript (connection)
  "The buffer of the transcript of CONNECTION, where there is one."
  (seq-find (lambda (each)
              (and (eq (buffer-local-value 'major-mode each) 'roo-transcript-mode)
                   (let ((its (buffer-local-value 'roo--connection each)))
                     (and its (equal (roo--root its) (roo--root connection))))))
            (buffer-list)))

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

(defun roo--show-task (connection task)
  "Draw TASK of CONNECTION from the beginning; nil is the one that is shown."
  (let ((task (or task (roo--task connection))))
    (setf (roo--task connection) task)
    (with-current-buffer (roo--make-transcript connection)
      (roo--clear)
      (when task (roo--catch-up)))
    (roo--refresh-changes connection)))

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

(defun roo--learn-from (connection event)
  "Keep what an old EVENT says of its task of CONNECTION."
  (let ((update (plist-get event :update)))
    (when (member (plist-get update :sessionUpdate)
                  '("_state" "current_mode_update" "usage_update"))
      (roo--learn connection (plist-get event :taskId)
                  :state (or (plist-get update :state)
                             (roo--fact connection (plist-get event :taskId) :state))
                  :mode (or (plist-get update :currentModeId)
                            (roo--fact connection (plist-get event :taskId) :mode))))))

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
        (when (and roo--ahead (not roo--asking))
          (roo--catch-up))))))

(defun roo--merge (chunk update)
  "Put UPDATE to CHUNK, (KIND TEXTS…), or draw what has to be drawn now.
The chunk that is still to be drawn."
  (let* ((kind (plist-get update :sessionUpdate))
         (text (and (member kind '("agent_message_chunk" "agent_thought_chunk"))
                    (plist-get (plist-get update :content) :text))))
    (if (and text chunk (equal (car chunk) kind))
        (cons kind (cons text (cdr chunk)))
      (when chunk
        (roo--draw-chunk (car chunk) (apply #'concat (reverse (cdr chunk)))))
      (cond (text (list kind text))
            (update (roo--draw-update update) nil)))))

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

(defun roo--draw-chunk (kind text)
  "Add TEXT, a chunk of KIND."
  (if (equal kind "agent_thought_chunk")
      (roo--draw-thought text)
    (roo--paragraph kind)
    (roo--insert (propertize (if (eq (char-before roo--footer) ?\n) (string-trim-left text "\n+")
                               text)
                             'roo-prose t))))

(defun roo--draw-thought (text)
  "Add TEXT to what Roo thinks, which is folded."
  (let ((entry (and (equal roo--speaking "thought") (gethash "thought" roo--entries))))
    (unless entry
      (roo--paragraph "thought")
      (setq entry (make-roo--entry :id "thought" :title "Thought" :kind "think"
                                   :status "completed" :text ""))
      (puthash "thought" entry roo--entries))
    (setf (roo--entry-text entry) (concat (roo--entry-text entry) text))
    (roo--draw-entry entry)))

(defun roo--draw-update (update)
  "Add what UPDATE says to the conversation."
  (pcase (plist-get update :sessionUpdate)
    ("user_message_chunk" (roo--draw-user (plist-get update :content)))
    ((or "tool_call" "_tool_call_arguments" "tool_call_update") (roo--draw-call update))
    ("_permission"
     (pcase (plist-get update :outcome)
       ("reject_once" (roo--draw-note "Denied"))
       ("reject_always" (roo--draw-note "Denied, also from now on"))
       ("allow_always" (roo--draw-note "Approved, also from now on"))))
    ("_question"
     (when (plist-get update :question)
       (roo--paragraph "question")
       (roo--insert (propertize (plist-get update :question) 'roo-prose t) "\n"))
     (when (plist-get update :answer)
       (roo--draw-user (list :text (plist-get update :answer)))))
    ("plan" (roo--draw-plan (plist-get update :entries)))
    ("_retry"
     (roo--draw-note (format "%s  Again in %d s." (plist-get update :reason)
                             (round (plist-get update :delay)))))
    ("_condensed"
     (roo--draw-note (format "The conversation was condensed: %d to %d tokens"
                             (plist-get update :before) (plist-get update :after))))
    ("_changes"
     (when-let ((state (plist-get update :state)))
       (roo--draw-note (format "You %s %s  +%d -%d" state
                               (file-name-nondirectory (roo--path (plist-get update :uri)))
                               (plist-get update :added) (plist-get update :removed)))))
    ("_state" (roo--draw-state update))))

(defun roo--draw-user (content)
  "Add CONTENT, what the user said."
  (roo--paragraph (list "user"))
  (let ((text (or (plist-get content :text) (format "[%s]" (plist-get content :name)))))
    (roo--insert (propertize text 'face 'roo-user 'roo-user t
                             'line-prefix (propertize "▌ " 'face 'roo-user)
                             'wrap-prefix (propertize "▌ " 'face 'roo-user)))))

(defun roo--draw-note (text)
  "Add TEXT, which nobody said."
  (roo--paragraph "call")
  (roo--insert (propertize (concat "  " text) 'face 'roo-note) "\n"))

(defun roo--draw-plan (todos)
  "Add TODOS, the list as it is now; the list as it was goes."
  (let ((old (gethash "plan" roo--entries)))
    (when old (delete-region (roo--entry-beg old) (roo--entry-end old))))
  (roo--paragraph "call")
  (let ((beg (marker-position roo--footer)))
    (dolist (todo todos)
      (let ((status (plist-get todo :status)))
        (roo--insert
         (pcase status
           ("completed" (propertize "  ☑ " 'face 'roo-done))
           ("in_progress" (propertize "  ▸ " 'face 'roo-running))
           (_ (propertize "  ☐ " 'face 'roo-note)))
         (propertize (plist-get todo :content)
                     'face (if (equal status "completed") 'roo-note 'default))
         "\n")))
    (puthash "plan" (make-roo--entry :id "plan" :beg (copy-marker beg)
                                      :end (copy-marker roo--footer))
             roo--entries)))

(defun roo--draw-state (update)
  "Add what ended the turn, from UPDATE."
  (let ((problem (plist-get update :error))
        (state (plist-get update :state)))
    (cond
     (problem
      (roo--paragraph "end")
      (roo--insert (propertize (plist-get problem :message) 'face 'roo-failed)
                   (if-let ((hint (plist-get problem :hint)))
                       (concat "\n" (propertize hint 'face 'roo-note))
                     "")
                   "\n"))
     ((equal state "idle")
      (let ((words (pcase (plist-get update :stopReason)
                     ("cancelled" "Cancelled.")
                     ("max_tokens" "Stopped: the model's output limit cut the answer off.")
                     ("max_turn_requests" "Stopped at a limit you set.")
                     ("refusal" "The model refused to answer."))))
        (when words
          (roo--paragraph "end")
          (roo--insert (propertize words 'face 'roo-note) "\n"))
        (unless (eq (char-before roo--footer) ?\n) (roo--insert "\n")))))))

;;;; Tool calls

(defconst roo--silent-tools '("attempt_completion" "ask_followup_question" "update_todo_list")
  "Tools whose call is not shown: what they do is.")

(defun roo--draw-call (update)
  "Add or redraw the tool call that UPDATE is about."
  (let* ((id (plist-get update :toolCallId))
         (meta (plist-get update :_meta))
         (entry (or (gethash id roo--entries)
                    (puthash id (make-roo--entry :id id :kind (plist-get update :kind)
                                                 :tool (plist-get meta :tool) :status "pending")
                             roo--entries))))
    (roo--take entry update meta)
    (if (member (roo--entry-tool entry) roo--silent-tools)
        (when (and (equal (roo--entry-tool entry) "attempt_completion")
                   (equal (plist-get update :status) "completed"))
          (roo--draw-chunk "result" (or (plist-get update :rawOutput) "")))
      (unless (roo--entry-beg entry) (roo--paragraph "call"))
      (roo--draw-entry entry))))

(defun roo--take (entry update meta)
  "Keep in ENTRY what UPDATE with its META says."
  (when-let ((title (or (plist-get update :title) (plist-get meta :title))))
    (setf (roo--entry-title entry)
          (if-let ((lines (plist-get meta :lines)))
              (format "%s · %d line%s" title lines (if (= lines 1) "" "s"))
            title)))
  (when-let ((status (plist-get update :status)))
    (setf (roo--entry-status entry) status))
  (when-let ((location (car (plist-get update :locations))))
    (setf (roo--entry-location entry) location))
  (when-let ((output (plist-get meta :output)))
    (setf (roo--entry-output entry) (concat (roo--entry-output entry) output)))
  (when-let ((text (plist-get update :rawOutput)))
    (setf (roo--entry-text entry) text))
  (when-let ((diffs (seq-filter (lambda (each) (equal (plist-get each :type) "diff"))
                                (plist-get update :content))))
    (setf (roo--entry-diffs entry)
          (mapcar (lambda (each)
                    (cons (plist-get each :path)
                          (roo--diff (or (plist-get each :oldText) "")
                                     (plist-get each :newText))))
                  diffs)))
  (unless (roo--entry-touched entry)
    (setf (roo--entry-folded entry)
          (not (or (roo--entry-diffs entry)
                   (equal (roo--entry-status entry) "failed")
                   (and (equal (roo--entry-kind entry) "execute")
                        (equal (roo--entry-status entry) "in_progress")))))))

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
                (if (and body (roo--entry-folded entry))
                    (propertize (format "  [%d line%s]" (length (split-string body "\n"))
                                        (if (string-search "\n" body) "s" ""))
                                'face 'roo-note)
                  "")
                "\n")))
    (propertize (concat line
                        (if (and body (not (roo--entry-folded entry)))
                            (roo--indented (if (equal status "in_progress")
                                               (roo--last-lines body) body))
                          ""))
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

;;;; Diffs

(defun roo--diff (old new)
  "The lines that changed from OLD to NEW, each with its sign before it."
  (let* ((a (vconcat (roo--lines old)))
         (b (vconcat (roo--lines new)))
         (front 0) (back 0))
    (while (and (< front (min (length a) (length b)))
                (equal (aref a front) (aref b front)))
      (cl-incf front))
    (while (and (< back (- (min (length a) (length b)) front))
                (equal (aref a (- (length a) back 1)) (aref b (- (length b) back 1))))
      (cl-incf back))
    (roo--near
     (append
      (seq-map (lambda (each) (concat " " each)) (seq-subseq a 0 front))
      (roo--aligned (seq-subseq a front (- (length a) back))
                    (seq-subseq b front (- (length b) back)))
      (seq-map (lambda (each) (concat " " each)) (seq-subseq a (- (length a) back)))))))

(defun roo--lines (text)
  "The lines of TEXT."
  (let ((lines (split-string text "\r\n\\|\n")))
    (if (equal (car (last lines)) "") (butlast lines) lines)))

(defun roo--aligned (a b)
  "The lines of the vectors A and B with their signs, what both have once.
More than 250,000 comparisons are not made: then all of A goes and all
of B comes."
  (let* ((n (length a)) (m (length b)))
    (if (> (* n m) 250000)
        (append (seq-map (lambda (each) (concat "-" each)) a)
                (seq-map (lambda (each) (concat "+" each)) b))
      (let ((table (make-vector (* (1+ n) (1+ m)) 0)) (i 0) (j 0) lines)
        (cl-flet ((at (i j) (aref table (+ (* i (1+ m)) j))))
          (cl-loop for i from (1- n) downto 0 do
                   (cl-loop for j from (1- m) downto 0 do
                            (aset table (+ (* i (1+ m)) j)
                                  (if (equal (aref a i) (aref b j))
                                      (1+ (at (1+ i) (1+ j)))
                                    (max (at (1+ i) j) (at i (1+ j)))))))
          (while (or (< i n) (< j m))
            (cond ((and (< i n) (< j m) (equal (aref a i) (aref b j)))
                   (push (concat " " (aref a i)) lines)
                   (cl-incf i)
                   (cl-incf j))
                  ((and (< i n) (or (= j m) (>= (at (1+ i) j) (at i (1+ j)))))
                   (push (concat "-" (aref a i)) lines)
                   (cl-incf i))
                  (t (push (concat "+" (aref b j)) lines)
                     (cl-incf j)))))
        (nreverse lines)))))

(defun roo--near (lines)
  "Of LINES those that changed, with their neighbours; \"@\" for the others."
  (let* ((all (vconcat lines))
         (keep (make-bool-vector (length all) nil))
         result)
    (dotimes (index (length all))
      (unless (eq (aref (aref all index) 0) ?\s)
        (cl-loop for near from (max 0 (1- index)) to (min (1+ index) (1- (length all)))
                 unless (string-blank-p (aref all near))
                 do (aset keep near t))))
    (dotimes (index (length all))
      (cond ((aref keep index) (push (aref all index) result))
            ((and result (not (equal (car result) "@"))) (push "@" result))))
    (when (equal (car result) "@") (pop result))
    (nreverse result)))

(defun roo--count (&rest diffs)
  "How many lines DIFFS add and remove, as text."
  (let ((lines (apply #'append diffs)))
    (format "  %s %s"
            (propertize (format "+%d" (cl-count ?+ lines :key (lambda (each) (aref each 0))))
                        'face 'roo-done)
            (propertize (format "-%d" (cl-count ?- lines :key (lambda (each) (aref each 0))))
                        'face 'roo-failed))))

(defun roo--colored (diff)
  "DIFF as text."
  (mapconcat (lambda (line)
               (pcase (aref line 0)
                 (?+ (propertize (concat "+ " (substring line 1)) 'face 'roo-added))
                 (?- (propertize (concat "- " (substring line 1)) 'face 'roo-removed))
                 (?@ (propertize "⋯" 'face 'roo-note))
                 (_ (propertize (concat "  " (substring line 1)) 'face 'roo-note))))
             diff "\n"))

;;;; What waits

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
                  (pcase state
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

(defun roo--ours-of (connection)
  "What waits for the user in the shown task of CONNECTION, or in none."
  (seq-filter (lambda (each)
                (member (plist-get each :taskId) (list nil (roo--task connection))))
              (roo--pending connection)))

(defun roo--draw-footer ()
  "Show below the conversation what waits for the user."
  (let ((entries (and (memq roo--connection roo--connections)
                      (roo--ours-of roo--connection))))
    (unless (equal entries roo--footer-drawn)
      (setq roo--footer-drawn entries)
      (roo--drawing
       (lambda ()
         (delete-region roo--footer (point-max))
         (goto-char roo--footer)
         (let ((start (point)))
           (unless (or (bobp) (null entries))
             (insert (if (bolp) "\n" "\n\n")))
           (dolist (entry entries)
             (roo--insert-waiting entry))
           (set-marker roo--footer start)))))))

(defun roo--insert-waiting (entry)
  "Add ENTRY, which waits for the user, with its answers as buttons."
  (let ((id (plist-get entry :requestId))
        (bar (propertize "┃ " 'face 'roo-waiting))
        (beg (point)))
    (if (equal (plist-get entry :kind) "question")
        (progn
          (insert (propertize "Your answer?" 'face 'roo-waiting) "\n")
          (dolist (each (plist-get entry :suggestions))
            (roo--button each "" (lambda () (roo--reply id each)))
            (insert "\n"))
          (roo--button "Something else…" "RET" #'roo-answer))
      (insert (propertize (plist-get entry :title) 'face 'roo-waiting) "\n")
      (dolist (line (seq-take (plist-get entry :detail) 10))
        (unless (string-suffix-p (roo--shortened line) (plist-get entry :title))
          (insert (propertize (roo--shortened line) 'face 'roo-note) "\n")))
      (roo--button "Approve" "a" (lambda () (roo--respond id "allow_once")))
      (when (roo--option entry "allow_always")
        (roo--button "Always" "A" (lambda () (roo--respond id "allow_always"))))
      (roo--button "Deny" "d" (lambda () (roo-deny (read-string "Why not? ") id)))
      (roo--button "Details" "v" (lambda () (roo--details entry))))
    (insert "\n")
    (add-text-properties beg (point) (list 'line-prefix bar 'wrap-prefix bar 'roo-waiting id))))

(defun roo--shortened (line)
  "LINE with paths in the project of this buffer as they are named there."
  (let ((root (roo--root roo--connection)))
    (string-replace (directory-file-name root) (concat (roo--name roo--connection) "/")
                    (string-replace root "" line))))

(defun roo--option (entry option)
  "The option of ENTRY with the id OPTION, or nil."
  (seq-find (lambda (each) (equal (plist-get each :optionId) option)) (plist-get entry :options)))

(defun roo--button (label key action)
  "Insert a button with LABEL and the KEY that does the same, which calls ACTION."
  (insert-text-button (format "[%s]" label)
                      'face 'roo-button 'follow-link t
                      'action (lambda (_button) (call-interactively
                                                 (if (commandp action) action
                                                   (lambda () (interactive) (funcall action))))))
  (insert (if (string-empty-p key) "" (propertize (concat " " key) 'face 'roo-note)) "  "))

;;; Commands

(defvar roo--history nil
  "What was said to Roo.")

(defun roo-display-beside (buffer alist)
  "Show BUFFER at the right in a wide frame, else below, as ALIST says otherwise.
A function for `display-buffer'."
  (if (>= (frame-width) 140)
      (display-buffer-in-direction buffer `((direction . right) ,@alist))
    (display-buffer-in-direction buffer `((direction . below) (window-height . 0.55) ,@alist))))

;;;###autoload
(defun roo (prompt)
  "Start a task: have Roo do PROMPT.  With a region, Roo is pointed at it."
  (interactive (list (read-string (if (use-region-p) "Roo, about the region: " "Roo: ")
                                  nil 'roo--history)))
  (when (string-blank-p prompt)
    (user-error "Say what to do"))
  (let* ((connection (roo--ensure))
         (region (and (use-region-p) (cons (region-beginning) (region-end))))
         (place (and region buffer-file-name
                     (list :uri (roo--uri buffer-file-name)
                           :range (roo--range (car region) (cdr region)))))
         (words (if (and region (null place))
                    (format "%s\n\n```\n%s\n```" prompt
                            (buffer-substring-no-properties (car region) (cdr region)))
                  prompt)))
    (deactivate-mark)
    (roo--execute connection "roo.task.start"
                  (append (list :prompt words)
                          (and place (list :context (vector place)))
                          (and (roo--mode connection) (list :mode (roo--mode connection)))
                          (and (roo--profile connection)
                               (list :profile (roo--profile connection))))
                  (lambda (result)
                    (roo--show-task connection (plist-get result :taskId))))
    (setf (roo--task connection) nil
          (roo--line connection) "starting…")
    (with-current-buffer (roo--make-transcript connection) (roo--clear))
    (display-buffer (roo--make-transcript connection) roo-display-action)))

;;;###autoload
(defun roo-show ()
  "Show what Roo says and does, and go there."
  (interactive)
  (let ((connection (roo--ensure)))
    (unless (roo--task connection)
      (roo--execute connection "roo.task.list" '(:limit 1)
                    (lambda (tasks)
                      (when (and tasks (null (roo--task connection)))
                        (roo--show-task connection (plist-get (car tasks) :taskId))))))
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-send (text)
  "Say TEXT to Roo: a follow-up, or the answer to its question."
  (interactive (list (read-string "To Roo: " nil 'roo--history)))
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.send"
                  (append (list :text text)
                          (and (roo--task connection) (list :taskId (roo--task connection))))
                  (lambda (result)
                    (unless (roo--task connection)
                      (roo--show-task connection (plist-get result :taskId)))
                    (when (plist-get result :queued)
                      (roo--say "Roo hears it with the next request"))))))

(defun roo-cancel ()
  "Stop what Roo does."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.cancel"
                  (and (roo--task connection) (list :taskId (roo--task connection))))))

(defun roo--choose (kind)
  "What waits for the user and is of KIND, `question' or `permission'.
The user is asked where that is not clear."
  (let* ((connection (roo--require))
         (at-point (get-text-property (point) 'roo-waiting))
         (entries (seq-filter (lambda (each)
                                (eq (equal (plist-get each :kind) "question")
                                    (eq kind 'question)))
                              (roo--pending connection))))
    (cond ((null entries) (user-error "Nothing waits for you"))
          ((seq-find (lambda (each) (equal (plist-get each :requestId) at-point)) entries))
          ((null (cdr entries)) (car entries))
          (t (let ((titles (mapcar (lambda (each) (cons (plist-get each :title) each)) entries)))
               (cdr (assoc (completing-read "Which? " titles nil t) titles)))))))

(defun roo--respond (id decision &optional feedback)
  "Settle the request ID by DECISION; FEEDBACK goes to the model."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.approval.respond"
                  (append (list :requestId id :decision decision)
                          (and feedback (not (string-blank-p feedback))
                               (list :feedback feedback)))
                  (lambda (_result) (roo--refresh-pending connection)))))

(defun roo-approve ()
  "Approve what waits."
  (interactive)
  (let ((entry (roo--choose 'permission)))
    (roo--respond (plist-get entry :requestId) "allow_once")
    (roo--say "Approved: %s" (plist-get entry :title))))

(defun roo-always ()
  "Approve what waits, and the like of it from now on."
  (interactive)
  (let* ((entry (roo--choose 'permission))
         (option (or (roo--option entry "allow_always")
                     (user-error "This can be approved only once"))))
    (roo--respond (plist-get entry :requestId) "allow_always")
    (roo--say "%s" (plist-get option :name))))

(defun roo-deny (why &optional id)
  "Refuse what waits (or ID), and say WHY, which may be empty."
  (interactive (let ((entry (roo--choose 'permission)))
                 (list (read-string (format "Why not %s? " (plist-get entry :title)))
                       (plist-get entry :requestId))))
  (roo--respond (or id (plist-get (roo--choose 'permission) :requestId)) "reject_once" why))

(defun roo-answer ()
  "Answer Roo's question, with one of its suggestions or anything else."
  (interactive)
  (let ((entry (roo--choose 'question)))
    (roo--reply (plist-get entry :requestId)
                (completing-read (format "%s " (plist-get entry :title))
                                 (plist-get entry :suggestions)))))

(defun roo--reply (id answer)
  "Answer the question ID with ANSWER."
  (let ((connection (roo--require)))
    (roo--execute connection "roo.question.answer" (list :requestId id :answer answer)
                  (lambda (_result) (roo--refresh-pending connection)))))

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

;;;; In the transcript

(defun roo--entry-at-point ()
  "The entry that folds at point, or nil."
  (gethash (get-text-property (point) 'roo-entry) roo--entries))

(defun roo-toggle ()
  "Fold or unfold what is at point; elsewhere go to the next button."
  (interactive)
  (if-let ((entry (roo--entry-at-point)))
      (let ((inhibit-read-only t))
        (setf (roo--entry-folded entry) (not (roo--entry-folded entry))
              (roo--entry-touched entry) t)
        (save-excursion (roo--draw-entry entry))
        (goto-char (roo--entry-beg entry)))
    (forward-button 1 t nil t)))

(defun roo-act ()
  "Push the button at point, visit its file, or write to Roo."
  (interactive)
  (let ((entry (roo--entry-at-point)))
    (cond ((button-at (point)) (push-button))
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

(defun roo-open ()
  "Show the whole task as a Markdown document."
  (interactive)
  (let ((connection (roo--require)))
    (roo--execute connection "roo.task.open"
                  (and (roo--task connection) (list :taskId (roo--task connection))))))

;;;; Writing more than a line

(defvar roo-compose-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'roo-compose-send)
    (define-key map (kbd "C-c C-k") #'roo-compose-quit)
    map)
  "Keys of a message to Roo.")

(define-derived-mode roo-compose-mode text-mode "To Roo"
  "A message to Roo.  \\<roo-compose-mode-map>\\[roo-compose-send] sends it, \\[roo-compose-quit] throws it away."
  (setq header-line-format
        (substitute-command-keys
         " \\<roo-compose-mode-map>\\[roo-compose-send] send, \\[roo-compose-quit] throw away")))

(defun roo-compose ()
  "Write to Roo, as many lines as you like."
  (interactive)
  (let ((connection (roo--ensure)))
    (pop-to-buffer (format "*to roo: %s*" (roo--name connection))
                   '(display-buffer-below-selected (window-height . 7)))
    (unless (derived-mode-p 'roo-compose-mode) (roo-compose-mode))
    (setq roo--connection connection
          default-directory (roo--root connection))))

(defun roo-compose-send ()
  "Send this message: to the task that is shown, or as a new one."
  (interactive)
  (let ((text (string-trim (buffer-string))))
    (when (string-empty-p text) (user-error "Nothing is written"))
    (if (and (roo--task (roo--require)) (roo--transcript (roo--require)))
        (roo-send text)
      (roo text))
    (roo-compose-quit)))

(defun roo-compose-quit ()
  "Throw this message away."
  (interactive)
  (quit-window t))

;;;; Tasks

(defvar roo-tasks-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (pcase-dolist (`(,key . ,command)
                   '(("RET" . roo-tasks-show) ("r" . roo-tasks-resume)
                     ("d" . roo-tasks-delete) ("o" . roo-tasks-open)))
      (define-key map (kbd key) command))
    map)
  "Keys of the list of tasks.")

(define-derived-mode roo-tasks-mode tabulated-list-mode "Roo Tasks"
  "The tasks of a project.

\\{roo-tasks-mode-map}"
  (setq tabulated-list-format [("State" 8 t) ("Changed" 16 t) ("Mode" 9 t) ("Cost" 7 t)
                               ("Task" 0 t)]
        tabulated-list-padding 1
        revert-buffer-function (lambda (&rest _) (roo--list-tasks)))
  (tabulated-list-init-header))

(defun roo-tasks ()
  "List the tasks of this project: show, resume, open or delete them."
  (interactive)
  (let ((connection (roo--ensure)))
    (pop-to-buffer (format "*roo tasks: %s*" (roo--name connection)))
    (unless (derived-mode-p 'roo-tasks-mode) (roo-tasks-mode))
    (setq roo--connection connection
          default-directory (roo--root connection))
    (roo--list-tasks)))

(defun roo--list-tasks ()
  "Fill this list of tasks."
  (let ((buffer (current-buffer)))
    (roo--execute
     (roo--ensure) "roo.task.list" '(:limit 200)
     (lambda (tasks)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (setq tabulated-list-entries (mapcar #'roo--task-row tasks))
           (tabulated-list-print t)))))))

(defun roo--task-row (task)
  "TASK as a row of the list."
  (let ((state (plist-get task :state)))
    (list (plist-get task :taskId)
          (vector (propertize state 'face (pcase state
                                            ("running" 'roo-running)
                                            ("waiting" 'roo-waiting)
                                            ("failed" 'roo-failed)
                                            (_ 'roo-note)))
                  (format-time-string "%Y-%m-%d %H:%M" (plist-get task :updatedAt))
                  (plist-get task :mode)
                  (format "$%.2f" (plist-get task :cost))
                  (car (split-string (concat (plist-get task :title) "\n") "\n"))))))

(defun roo--task-at-point ()
  "The id of the task at point."
  (or (tabulated-list-get-id) (user-error "There is no task here")))

(defun roo-tasks-show ()
  "Show the task at point in the transcript."
  (interactive)
  (let ((connection (roo--require)) (task (roo--task-at-point)))
    (roo--show-task connection task)
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-tasks-resume ()
  "Go on with the task at point."
  (interactive)
  (let ((connection (roo--require)) (task (roo--task-at-point)))
    (roo--execute connection "roo.task.resume" (list :taskId task)
                  (lambda (_result) (roo--show-task connection task)))
    (pop-to-buffer (roo--make-transcript connection) roo-display-action)))

(defun roo-tasks-open ()
  "Show the task at point as a Markdown document."
  (interactive)
  (roo--execute (roo--require) "roo.task.open" (list :taskId (roo--task-at-point))))

(defun roo-tasks-delete ()
  "Delete the task at point, for good."
  (interactive)
  (let ((task (roo--task-at-point)) (buffer (current-buffer)))
    (when (y-or-n-p "Delete this task for good? ")
      (roo--execute (roo--require) "roo.task.delete" (list :taskId task)
                    (lambda (_result)
                      (when (buffer-live-p buffer)
                        (with-current-buffer buffer (roo--list-tasks))))))))

;;;; Mode, profile, the endpoint

(defun roo-set-mode ()
  "Choose the mode of the task that is shown, and of those to come."
  (interactive)
  (let ((connection (roo--ensure)))
    (roo--execute
     connection "roo.mode.list" nil
     (lambda (result)
       (roo--pick "Mode: " (mapcar (lambda (each) (plist-get each :slug))
                                   (plist-get result :modes))
                  (lambda (mode)
                    (setf (roo--mode connection) mode)
                    (when (roo--task connection)
                      (roo--execute connection "roo.mode.set"
                                    (list :mode mode :taskId (roo--task connection))))
                    (force-mode-line-update t)))))))

(defun roo-set-profile ()
  "Choose the profile (the model) of the task that is shown, and of those to come."
  (interactive)
  (let ((connection (roo--ensure)))
    (roo--execute
     connection "roo.profile.list" nil
     (lambda (result)
       (if (null (plist-get result :profiles))
           (roo--say "There are no profiles: set `:profiles' in `roo-settings'")
         (roo--pick "Profile: " (plist-get result :profiles)
                    (lambda (profile)
                      (setf (roo--profile connection) profile)
                      (when (roo--task connection)
                        (roo--execute connection "roo.profile.set"
                                      (list :profile profile
                                            :taskId (roo--task connection)))))))))))

(defun roo--pick (prompt choices then)
  "Read with PROMPT one of CHOICES, a bit later, and do THEN with it."
  (run-at-time 0 nil (lambda () (funcall then (completing-read prompt choices nil t)))))

(defun roo-status ()
  "Show what Roo is, where it works and what it would use."
  (interactive)
  (roo--execute
   (roo--ensure) "roo.status" nil
   (lambda (status)
     (let ((provider (plist-get status :provider)))
       (roo--report
        "*roo status*"
        `(("Roo" ,(plist-get status :version))
          ("Workspace" ,(mapconcat #'abbreviate-file-name (plist-get status :workspace) ", "))
          ("Endpoint" ,(roo--or (plist-get provider :baseUrl) "what runs on this machine"))
          ("Model" ,(roo--or (plist-get status :model) "the only one there"))
          ("Mode" ,(plist-get status :mode))
          ("Profile" ,(roo--or (plist-get status :profile) "none"))
          ,@(mapcar (lambda (each) (list "Task" (format "%s: %s" (plist-get each :state)
                                                        (plist-get each :title))))
                    (plist-get status :tasks))
          ,@(mapcar (lambda (each) (list "Waits" (plist-get each :title)))
                    (plist-get status :pending))
          ,@(mapcar (lambda (each) (list "Setting" (format "%s: %s" (plist-get each :path)
                                                           (plist-get each :problem))))
                    (plist-get status :settingsProblems))))))))

(defun roo--or (text otherwise)
  "TEXT, or OTHERWISE where it is empty."
  (if (or (null text) (string-empty-p text)) otherwise text))

(defun roo-doctor ()
  "Try the endpoint and the model, and show what works and what does not."
  (interactive)
  (roo--say "Roo asks the endpoint…")
  (roo--execute
   (roo--ensure) "roo.provider.test" '(:wait t)
   (lambda (report)
     (roo--report
      "*roo doctor*"
      `(("Endpoint" ,(roo--or (plist-get report :endpoint) "none found"))
        ("Model" ,(roo--or (plist-get report :model) "none"))
        ,@(mapcar (lambda (each)
                    (list (plist-get each :name)
                          (concat (pcase (plist-get each :status)
                                    ("ok" (propertize "✓ " 'face 'roo-done))
                                    ("failed" (propertize "✗ " 'face 'roo-failed))
                                    (_ (propertize "– " 'face 'roo-note)))
                                  (plist-get each :message)
                                  (if-let ((hint (plist-get each :hint)))
                                      (concat "  " hint)
                                    ""))))
                  (plist-get report :checks)))
      (if (plist-get report :ok) "A task can run." "A task cannot run yet.")))))

(defun roo--report (name rows &optional verdict)
  "Show ROWS, each a name and a text, in the buffer NAME, and VERDICT below."
  (with-help-window name
    (with-current-buffer standard-output
      (pcase-dolist (`(,title ,text) rows)
        (insert (propertize (format "%-12s" title) 'face 'bold) (or text "") "\n"))
      (when verdict (insert "\n" verdict "\n")))))

(defun roo-restart ()
  "Start the server of this project anew, with the settings as they are now."
  (interactive)
  (let* ((connection (roo--require))
         (task (roo--task connection))
         (transcript (roo--transcript connection)))
    (roo--stop connection)
    (maphash (lambda (_uri buffer)
               (when (buffer-live-p buffer)
                 (with-current-buffer buffer (setq roo--document nil))))
             (roo--documents connection))
    (clrhash (roo--documents connection))
    (let ((next (roo--start (roo--root connection))))
      (setf (roo--mode next) (roo--mode connection)
            (roo--profile next) (roo--profile connection))
      (when (and task transcript)
        (roo--show-task next task)))))

(defun roo-stop ()
  "End the server of this project."
  (interactive)
  (roo--stop (roo--require))
  (roo--say "Roo ended"))

;;; Review

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
  "Take the marks out of this buffer."
  (remove-overlays nil nil 'roo-hunk t))

(defun roo--mark-hunk (uri hunk)
  "Mark HUNK of the document URI in this buffer: what came, and above it what went."
  (let* ((range (plist-get hunk :range))
         (beg (roo--point (plist-get range :start)))
         (end (roo--point (plist-get range :end)))
         (overlay (make-overlay beg end nil t nil))
         (before (plist-get hunk :before)))
    (overlay-put overlay 'roo-hunk t)
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

(defvar roo--place nil
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
          (goto-char (roo--point (plist-get (plist-get hunk :range) :start)))
          (recenter (/ (window-height) 3))))
      (setq roo--place (cons connection index))
      (set-transient-map roo-review-map)
      (let ((message-log-max nil))
        (message "%s"
                 (substitute-command-keys
                  (format "[%d/%d] %s  \\<roo-review-map>\\[roo-keep] keep  \\[roo-revert] revert  \
\\[roo-next-hunk]/\\[roo-previous-hunk] next/previous  \\[roo-keep-all] keep all  \\[roo-review-end] end"
                          (1+ index) (length hunks)
                          (file-name-nondirectory (roo--path uri)))))))))

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
                     (if (eq (car roo--place) connection) (+ (cdr roo--place) step) 0))))

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
        (and (eq (car roo--place) connection) (nth (cdr roo--place) (roo--hunks connection)))
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
                (roo--visit-hunk connection (if (eq (car roo--place) connection)
                                                (min (cdr roo--place)
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

;;; Keys

;;;###autoload (autoload 'roo-command-map "roo" nil t 'keymap)
(defvar roo-command-map
  (let ((map (make-sparse-keymap)))
    (pcase-dolist (`(,key . ,command)
                   '(("r" . roo) ("s" . roo-send) ("m" . roo-compose) ("o" . roo-show)
                     ("a" . roo-approve) ("A" . roo-always) ("d" . roo-deny)
                     ("?" . roo-decide) ("q" . roo-answer) ("c" . roo-cancel)
                     ("v" . roo-review) ("n" . roo-next-hunk) ("p" . roo-previous-hunk)
                     ("k" . roo-keep) ("u" . roo-revert) ("K" . roo-keep-all)
                     ("U" . roo-revert-all) ("t" . roo-tasks) ("M" . roo-set-mode)
                     ("P" . roo-set-profile) ("i" . roo-status) ("D" . roo-doctor)
                     ("R" . roo-restart)))
      (define-key map (kbd key) command))
    map)
  "What Roo can do: bind it to a prefix, \\[roo-command-map].")
(fset 'roo-command-map roo-command-map)

(provide 'roo)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo.el ends here
