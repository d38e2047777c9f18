;;; roo-tests.el --- Roo in a real Emacs, without a terminal  -*- lexical-binding: t; -*-

;;; Commentary:

;; Started by test_emacs.py, in a project of the test, with $ROO_SETTINGS as the section `roo'.
;; Tests named unit-* need no server; the others have a scripted endpoint and the real roo-lsp.

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'roo)

(setq create-lockfiles nil
      make-backup-files nil
      auto-save-default nil
      roo-settings (and (getenv "ROO_SETTINGS")
                        (json-parse-string (getenv "ROO_SETTINGS")
                                           :object-type 'plist :false-object :json-false)))

(defmacro until (&rest body)
  "The value of BODY once it is true; the test fails where that takes too long."
  `(let ((end (+ (float-time) 50)) value)
     (while (not (setq value (progn ,@body)))
       (when (> (float-time) end)
         (ert-fail (list "never true" ',body (seen))))
       (accept-process-output nil 0.02))
     value))

(defun seen ()
  "What a person could have seen."
  (mapcar (lambda (name)
            (and (get-buffer name)
                 (with-current-buffer name (buffer-substring-no-properties 1 (point-max)))))
          (append '("*Messages*" "*roo: project*" " *roo log: project*")
                  (seq-filter (lambda (each) (string-match-p "EGLOT" each))
                              (mapcar #'buffer-name (buffer-list))))))

(defun wire (connection)
  "What CONNECTION would send, which is kept instead: a function that gives it."
  (let (sent)
    (setf (roo--ready connection) t)
    (advice-add 'roo--write :override
                (lambda (_connection message) (setq sent (append sent (list message))))
                '((name . wire)))
    (lambda () sent)))

(defmacro with-document (text &rest body)
  "A file with TEXT, open in a buffer that Roo knows; BODY has `connection' and `sent'."
  (declare (indent 1))
  `(let* ((root (file-name-as-directory (file-truename (make-temp-file "roo" t))))
          (file (expand-file-name "a.txt" root))
          (connection (make-roo--connection :root root :folders (list root) :name "project"))
          (roo--connections (list connection))
          (sent (wire connection)))
     (let ((coding-system-for-write 'no-conversion))
       (write-region (encode-coding-string ,text 'utf-8) nil file nil 'quiet))
     (unwind-protect
         (with-current-buffer (find-file-noselect file)
           (run-hook-with-args 'roo--started-functions connection)
           (roo--open (current-buffer))
           ,@body)
       (setq roo--connections nil)
       (run-hook-with-args 'roo--ended-functions connection)
       (advice-remove 'roo--write 'wire)
       (when (find-buffer-visiting file)
         (with-current-buffer (find-buffer-visiting file)
           (set-buffer-modified-p nil)
           (let ((kill-buffer-query-functions nil)) (kill-buffer))))
       (delete-directory root t))))

(defun edit (connection uri version &rest edits)
  "What CONNECTION replies to EDITS, each (LINE CHARACTER LINE CHARACTER TEXT), of URI at VERSION."
  (let (answer)
    (roo--on-apply-edit
     connection
     `(:edit (:documentChanges
              ((:textDocument (:uri ,uri :version ,version)
                :edits ,(mapcar (lambda (each)
                                  (pcase-let ((`(,line ,char ,line2 ,char2 ,text) each))
                                    `(:range (:start (:line ,line :character ,char)
                                              :end (:line ,line2 :character ,char2))
                                      :newText ,text)))
                                edits)))))
     (lambda (result &rest _) (setq answer result)))
    answer))

(defun last-text (sent)
  "The text of the last didChange of SENT."
  (let ((message (cl-find "textDocument/didChange" (reverse (funcall sent))
                          :key (lambda (each) (plist-get each :method)) :test #'equal)))
    (plist-get (aref (plist-get (plist-get message :params) :contentChanges) 0) :text)))

(defun uri ()
  "The URI of this buffer."
  (plist-get roo--document :uri))

;;; Documents and edits

(ert-deftest unit-edits-are-made-and-told-and-undone-as-one ()
  (with-document "one\ntwo\nthree\n"
    (buffer-enable-undo)
    (goto-char (point-min))
    (insert "zero\n")
    (should (equal (edit connection (uri) 1 '(1 0 2 0 "1\n") '(3 0 4 0 "3\n")) '(:applied t)))
    (should (equal (buffer-string) "zero\n1\ntwo\n3\n"))
    (should (equal (last-text sent) "zero\n1\ntwo\n3\n"))
    (undo-boundary)
    (setq last-command nil)
    (undo)
    (should (equal (buffer-string) "zero\none\ntwo\nthree\n"))))

(ert-deftest unit-an-edit-of-an-older-version-is-refused-and-the-typed-text-told ()
  (with-document "one\n"
    (goto-char (point-min))
    (insert "typed ")
    (let ((answer (edit connection (uri) 0 '(0 0 1 0 "other\n"))))
      (should (eq (plist-get answer :applied) :json-false))
      (should (equal (plist-get answer :failureReason) "a.txt has changed in Emacs meanwhile"))
      (should (equal (buffer-string) "typed one\n"))
      (should (equal (last-text sent) "typed one\n")))))

(ert-deftest unit-of-several-edits-none-is-made-when-one-cannot-be ()
  (with-document "one\n"
    (let ((other (uri)) answer)
      (roo--on-apply-edit
       connection
       `(:edit (:documentChanges
                ((:textDocument (:uri ,other :version 0)
                  :edits ((:range (:start (:line 0 :character 0) :end (:line 0 :character 0))
                           :newText "x")))
                 (:textDocument (:uri ,other :version 7) :edits nil))))
       (lambda (result) (setq answer result)))
      (should (eq (plist-get answer :applied) :json-false))
      (should (equal (buffer-string) "one\n")))))

(ert-deftest unit-a-read-only-buffer-is-not-edited ()
  (with-document "one\n"
    (setq buffer-read-only t)
    (should (equal (plist-get (edit connection (uri) 0 '(0 0 1 0 "x\n")) :failureReason)
                   "a.txt is read-only in Emacs"))
    (should (equal (buffer-string) "one\n"))))

(ert-deftest unit-a-buffer-whose-file-changed-is-not-edited-and-nobody-is-asked ()
  (with-document "one\n"
    (write-region "two\n" nil file nil 'quiet)
    (set-file-times file (time-add nil 10))
    (should (string-match-p "another one on disk"
                            (plist-get (edit connection (uri) 0 '(0 0 1 0 "x\n"))
                                       :failureReason)))))

(ert-deftest unit-an-edit-outside-of-what-is-narrowed-is-made ()
  (with-document "one\ntwo\nthree\n"
    (narrow-to-region 5 8)
    (should (equal (edit connection (uri) 0 '(2 0 3 0 "3\n")) '(:applied t)))
    (should (equal (buffer-string) "two"))
    (widen)
    (should (equal (buffer-string) "one\ntwo\n3\n"))))

(ert-deftest unit-point-stays-on-its-text ()
  (with-document "def greet(name):\n    return 'old'\n"
    (goto-char (point-min))
    (search-forward "return '")
    (edit connection (uri) 0
          '(0 0 2 0 "def greet(name: str) -> str:\n    x = 1\n    return 'old!'\n"))
    (should (looking-at-p "old!"))))

(ert-deftest unit-a-change-through-an-indirect-buffer-is-told ()
  (with-document "one\n"
    (let ((indirect (make-indirect-buffer (current-buffer) "indirect")))
      (unwind-protect
          (progn
            (with-current-buffer indirect (goto-char (point-min)) (insert "x"))
            (roo--flush connection)
            (should (equal (last-text sent) "xone\n"))
            (should (equal (edit connection (uri) 1 '(0 0 0 1 "y")) '(:applied t)))
            (should (equal (with-current-buffer indirect (buffer-string)) "yone\n")))
        (kill-buffer indirect)))))

(ert-deftest unit-line-ends-are-told-and-taken-as-on-disk ()
  (with-document "one\r\ntwo\r\n"
    (should (equal (buffer-string) "one\ntwo\n"))
    (should (equal (edit connection (uri) 0 '(1 0 2 0 "2\r\n3\r\n")) '(:applied t)))
    (should (equal (buffer-string) "one\n2\n3\n"))
    (should (equal (last-text sent) "one\r\n2\r\n3\r\n"))))

(ert-deftest unit-a-lone-carriage-return-ends-a-line ()
  (with-document "a\rb\nc\r\nd"
    (should (equal (roo--point '(:line 1 :character 0)) 3))
    (should (equal (roo--point '(:line 3 :character 1)) (point-max)))
    (dolist (point '(1 2 3 4 5 8))
      (should (equal (roo--point (roo--position point)) point)))))

(ert-deftest unit-characters-are-counted-as-such ()
  (with-document "x = '\U0001F600' + y\n"
    (should (equal (edit connection (uri) 0 '(0 10 0 11 "z")) '(:applied t)))
    (should (equal (buffer-string) "x = '\U0001F600' + z\n"))))

(ert-deftest unit-bytes-that-are-no-characters-are-sent-as-such ()
  (should (equal (roo--encode (list :text (concat "a" (string #x3fff80) (string #xd800))))
                 (encode-coding-string "{\"text\":\"a\ufffd\ufffd\"}" 'utf-8))))

(ert-deftest unit-a-buffer-that-is-saved-by-another-name-is-another-document ()
  (with-document "one\n"
    (let ((first (uri)))
      (set-visited-file-name (expand-file-name "b b.txt" root) t t)
      (save-buffer)
      (should (string-suffix-p "/b%20b.txt" (uri)))
      (should (equal (seq-filter (lambda (each) (not (equal each "textDocument/didChange")))
                                 (mapcar (lambda (each) (plist-get each :method))
                                         (funcall sent)))
                     '("textDocument/didOpen" "textDocument/didClose" "textDocument/didOpen"
                       "textDocument/didSave")))
      (should (equal (roo--path first) file)))))

(ert-deftest unit-a-major-mode-that-is-set-anew-loses-nothing ()
  (with-document "one\n"
    (text-mode)
    (goto-char (point-min))
    (insert "x")
    (should (roo--sync-timer connection))
    (save-buffer)
    (should (equal (last-text sent) "xone\n"))))

(ert-deftest unit-saving-says-what-is-saved-and-asks-nobody ()
  (with-document "one\n"
    (insert "x")
    (let (answer)
      (roo--on-save connection (list :uris (list (uri) "file:///nowhere.txt"))
                    (lambda (result) (setq answer result)))
      (should (equal answer (list :saved (vector (uri)))))
      (should-not (buffer-modified-p)))
    (insert "y")
    (set-file-times file (time-add nil 10))
    (roo--on-save connection (list :uris (list (uri)))
                  (lambda (result) (should (equal result '(:saved [])))))))

(ert-deftest unit-a-deleted-file-takes-its-buffer-along ()
  (with-document "one\n"
    (let ((uri (uri)))
      (roo--on-apply-edit connection `(:edit (:documentChanges ((:kind "delete" :uri ,uri))))
                          (lambda (result) (should (equal result '(:applied t)))))
      (should-not (file-exists-p file))
      (should-not (find-buffer-visiting file)))))

(ert-deftest unit-what-the-repository-cannot-answer-is-refused-not-agreed-to ()
  (with-document ""
    (roo--handle connection '(:id 1 :method "some/thing" :params nil))
    (should (equal (plist-get (plist-get (car (last (funcall sent))) :error) :code) -32601))
    (roo--handle connection '(:id 2 :method "window/showDocument" :params (:uri 3)))
    (should (equal (plist-get (plist-get (car (last (funcall sent))) :error) :code) -32603))))

(ert-deftest unit-settings-are-answered-whole-and-in-part ()
  (with-document ""
    (let ((roo-settings '(:provider (:modelId "m"))))
      (roo--on-configuration
       connection '(:items ((:section "roo") (:section "roo.provider.modelId") (:section "x")))
       (lambda (result)
         (should (equal result [(:provider (:modelId "m")) "m" nil])))))))

;;; Messages

(ert-deftest unit-messages-are-taken-in-pieces-and-in-order ()
  (with-document ""
    (let* ((body (encode-coding-string "{\"method\":\"m\",\"params\":{\"n\":\"é\"}}" 'utf-8))
           (frame (concat (format "Content-Length: %d\r\n\r\n" (length body)) body))
           handled)
      (cl-letf (((symbol-function 'roo--handle)
                 (lambda (_connection message)
                   (push (plist-get (plist-get message :params) :n) handled))))
        (with-current-buffer (roo--incoming connection) (set-buffer-multibyte nil))
        (seq-doseq (byte (concat frame frame)) (roo--receive connection (unibyte-string byte)))
        (roo--receive connection (concat frame frame)))
      (should (equal handled '("é" "é" "é" "é"))))))

(ert-deftest unit-ending-a-server-that-has-just-ended-is-no-error ()
  (let* ((connection (make-roo--connection :root "/nowhere/" :name "nowhere" :ready t))
         (roo--connections (list connection)))
    (setf (roo--process connection) (make-process :name "gone" :command '("cat") :noquery t
                                                  :connection-type 'pipe))
    (process-send-eof (roo--process connection))
    (let ((answer (progn (roo--stop connection)
                         (cdr (car (hash-table-values (roo--callbacks connection)))))))
      ;; Emacs takes it for a live one until its end has been noticed; and here it has not.
      (while (process-live-p (roo--process connection)) (accept-process-output nil 0.01))
      (cl-letf (((symbol-function 'process-live-p) #'always))
        (funcall answer '(:message "gone"))))))

;;; The transcript

(defun event (seq update)
  "The event SEQ of the task t1."
  (list :v 1 :taskId "t1" :seq seq :update update))

(defun chunk (seq text)
  "The event SEQ, which says TEXT."
  (event seq (list :sessionUpdate "agent_message_chunk"
                   :content (list :type "text" :text text))))

(defmacro with-transcript (&rest body)
  "The transcript of the task t1; BODY has `connection' and `sent'."
  `(with-document ""
     (setf (roo--task connection) "t1")
     (with-current-buffer (roo--make-transcript connection)
       (unwind-protect
           (progn ,@body)
         (kill-buffer)))))

(ert-deftest unit-twenty-thousand-deltas-are-few-insertions ()
  (with-transcript
   (let ((draws 0))
     (add-function :before (symbol-function 'roo--drawing) (lambda (&rest _) (cl-incf draws))
                   '((name . count)))
     (unwind-protect
         (progn
           (dotimes (number 20000)
             (roo--queue connection (chunk (1+ number) "word ")))
           (until (null roo--draw-timer)))
       (remove-function (symbol-function 'roo--drawing) 'count))
     (should (= (count-matches "word" (point-min) (point-max)) 20000))
     (should (= draws 1)))))

(ert-deftest unit-whoever-reads-above-is-left-there-and-whoever-is-at-the-end-follows ()
  (with-transcript
   (set-window-buffer nil (current-buffer))
   (roo--draw-events connection (list (chunk 1 "first\nsecond\n")))
   (should (= (window-point) (point-max)))
   (set-window-point nil 3)
   (roo--draw-events connection (list (chunk 2 "third\n")))
   (should (= (window-point) 3))))

(ert-deftest unit-a-gap-is-filled-before-what-came-after-it ()
  (with-transcript
   (roo--draw-events connection (list (chunk 1 "a") (chunk 3 "c")))
   (roo--draw-events connection (list (chunk 4 "d")))
   (should (equal (buffer-string) "a"))
   (let ((request (car (last (funcall sent)))))
     (should (equal (plist-get (aref (plist-get (plist-get request :params) :arguments) 0)
                               :sinceSeq)
                    1))
     (roo--handle connection (list :id (plist-get request :id)
                                   :result (list :events (list (chunk 2 "b") (chunk 3 "c"))))))
   (should (equal (buffer-substring-no-properties (point-min) (point-max)) "abcd"))
   (roo--draw-events connection (list (chunk 4 "d") (chunk 5 "e")))
   (should (equal (buffer-substring-no-properties (point-min) (point-max)) "abcde"))))

(ert-deftest unit-a-call-is-one-line-that-unfolds ()
  (with-transcript
   (roo--draw-events
    connection
    (list (event 1 '(:sessionUpdate "tool_call" :toolCallId "c" :title "read_file" :kind "read"
                     :status "pending" :_meta (:tool "read_file")))
          (event 2 '(:sessionUpdate "tool_call_update" :toolCallId "c" :status "completed"
                     :title "Read a.txt" :rawOutput "1 | one\n2 | two"))
          (chunk 3 "Done")))
   (should (equal (buffer-substring-no-properties (point-min) (point-max))
                  "✓ Read a.txt  [2 lines]\n\nDone"))
   (goto-char (point-min))
   (roo-toggle)
   (should (equal (buffer-substring-no-properties (point-min) (point-max))
                  "✓ Read a.txt\n1 | one\n2 | two\n\nDone"))
   (roo-toggle)
   (should (= (count-lines (point-min) (point-max)) 3))))

(ert-deftest unit-a-command-that-fails-is-no-success ()
  (with-transcript
   (roo--draw-events
    connection
    (list (event 1 '(:sessionUpdate "tool_call" :toolCallId "c" :title "execute_command"
                     :kind "execute" :status "pending" :_meta (:tool "execute_command")))
          (event 2 '(:sessionUpdate "tool_call_update" :toolCallId "c" :status "completed"
                     :title "Run false" :rawOutput "Exit code: 1" :_meta (:exitCode 1)))))
   (should (string-prefix-p "✗ Run false" (buffer-substring-no-properties (point-min) (point-max))))))

(ert-deftest unit-a-diff-shows-what-changed-and-its-neighbours ()
  (should (equal (roo--diff "a\nb\nc\nd\ne\nf\ng\n" "a\nB\nc\nd\ne\nf\nG\nH\n")
                 '(" a" "-b" "+B" " c" "@" " f" "-g" "+G" "+H")))
  (should (equal (roo--diff "" "a\n") '("+a")))
  (should (equal (roo--diff "a\n" "") '("-a"))))

;;; What waits

(ert-deftest unit-what-waits-from-the-beginning-stands-below-what-is-said-then ()
  (with-transcript
   (waits connection '("r1" nil "trust" "Trust AGENTS.md"))
   (roo--draw-events connection (list (chunk 1 "hello")))
   (should (string-match-p "\\`hello\n\nTrust AGENTS.md\n" (buffer-string)))))

(defun waits (connection &rest entries)
  "Have ENTRIES wait in CONNECTION, each (ID TASK KIND TITLE . DETAIL)."
  (setf (roo--pending connection)
        (mapcar (lambda (each)
                  (pcase-let ((`(,id ,task ,kind ,title . ,detail) each))
                    (list :requestId id :taskId task :kind kind :title title :detail detail
                          :toolCall
                          (list :kind "edit"
                                :locations (list (list :path (expand-file-name
                                                              "a.txt" (roo--root connection))))))))
                entries)
        (roo--told connection) (mapcar #'car entries))
  (roo--draw-footer-of connection))

(defun settled (sent)
  "The request ids that the messages of SENT settle."
  (delq nil (mapcar (lambda (each)
                      (let ((params (plist-get each :params)))
                        (when (equal (plist-get params :command) "roo.approval.respond")
                          (plist-get (aref (plist-get params :arguments) 0) :requestId))))
                    (funcall sent))))

(ert-deftest unit-keys-answer-what-is-drawn-in-the-transcript-or-ask-which ()
  (with-transcript
   (waits connection '("r1" "t2" "permission" "Run rm"))
   (should (string-match-p "Another task waits for you: Run rm  \\[Go to it\\]" (buffer-string)))
   (let ((completing-read-function (lambda (&rest _) (error "Asked which"))))
     (should-error (roo-approve)))
   (waits connection '("r1" "t2" "permission" "Run rm") '("r2" "t1" "permission" "Edit a.txt"))
   (roo-approve)
   (should (equal (settled sent) '("r2")))
   (waits connection '("r3" nil "trust" "Trust AGENTS.md") '("r4" "t1" "permission" "Run ls"))
   (let ((completing-read-function (lambda (_prompt all &rest _) (car (nth 1 all)))))
     (roo-approve))
   (should (equal (settled sent) '("r2" "r4")))
   (goto-char (point-min))
   (search-forward "Trust AGENTS.md")
   (roo-approve)
   (should (equal (settled sent) '("r2" "r4" "r3")))))

(ert-deftest unit-what-was-not-shown-is-shown-before-it-is-approved ()
  (with-document "one\n"
    (waits connection '("r1" "t1" "permission" "Run ls"))
    (setf (roo--told connection) nil)
    (cl-letf (((symbol-function 'y-or-n-p)
               (lambda (prompt) (should (equal prompt "Run ls: approve? ")) nil)))
      (should-error (roo-approve) :type 'user-error))
    (should-not (settled sent))))

(ert-deftest unit-a-question-is-not-answered-by-an-approval ()
  (with-document "one\n"
    (waits connection '("q1" "t1" "question" "Which?"))
    (should-error (roo-approve) :type 'user-error)
    (should-not (settled sent))))

(ert-deftest unit-that-a-buffer-is-read-only-is-said-in-the-question ()
  (with-document "one\n"
    (setq buffer-read-only t)
    (setf (roo--task connection) "t1")
    (with-current-buffer (roo--make-transcript connection)
      (unwind-protect
          (progn
            (waits connection '("r1" "t1" "permission" "Edit a.txt"))
            (should (string-match-p "a.txt is read-only in Emacs" (buffer-string)))
            (should (string-match-p "read-only" (roo--call-for-you
                                                 (car (roo--pending connection))))))
        (kill-buffer)))))

(ert-deftest unit-that-there-is-more-than-is-shown-is-said ()
  (with-transcript
   (waits connection `("r1" "t1" "permission" "Run it"
                       ,@(mapcar #'number-to-string (number-sequence 1 14))))
   (should (string-match-p "10\n… and 4 more lines" (buffer-string)))))

(ert-deftest unit-files-of-several-folders-are-named-with-theirs ()
  (with-document "one\n"
    (should (equal (roo--shown file) "a.txt"))
    (let ((other (file-name-as-directory (file-truename (make-temp-file "other" t)))))
      (unwind-protect
          (progn
            (roo-add-folder other)
            (should (equal (plist-get (car (last (funcall sent))) :method)
                           "workspace/didChangeWorkspaceFolders"))
            (let ((name (file-name-nondirectory (directory-file-name other))))
              (should (equal (roo--shown (concat other "b.txt")) (concat name "/b.txt")))
              (should (eq (roo--find (concat other "b.txt")) connection)))
            (should (equal (roo--shown file)
                           (concat (file-name-nondirectory (directory-file-name root)) "/a.txt")))
            (roo--handle connection '(:id 1 :method "workspace/workspaceFolders"))
            (should (= (length (plist-get (car (last (funcall sent))) :result)) 2))
            (roo-remove-folder other)
            (should-not (roo--find (concat other "b.txt"))))
        (delete-directory other t)))))

;;; Messages of the user

(ert-deftest unit-what-was-said-and-not-told-is-shown-changed-and-comes-back ()
  (with-transcript
   (let ((told (lambda (&rest update)
                 (roo--note-event connection
                                  (event 1 (append '(:sessionUpdate "_queued" :messageId "m1")
                                                   update))))))
     (funcall told :text "mind the tests")
     (should (string-match-p "With the next request: mind the tests\n\\[Edit\\]" (buffer-string)))
     (goto-char (point-min))
     (search-forward "[Edit")
     (cl-letf (((symbol-function 'read-string) (lambda (_prompt text) (concat text " too"))))
       (push-button (1- (point))))
     (let ((params (plist-get (car (last (funcall sent))) :params)))
       (should (equal (plist-get params :command) "roo.queue.edit"))
       (should (equal (plist-get (aref (plist-get params :arguments) 0) :text)
                      "mind the tests too")))
     (funcall told :text "mind the tests too")
     (should-not (string-match-p "mind the tests\n" (buffer-string)))
     (funcall told :text "mind the tests too" :state "returned")
     (should-not (string-match-p "With the next request" (buffer-string)))
     (with-current-buffer (roo--draft connection)
       (should (equal (buffer-string) "mind the tests too"))
       (kill-buffer)))))

(ert-deftest unit-places-files-and-images-go-along-with-a-message ()
  (with-document "one\ntwo\nthree\n"
    (let ((image (expand-file-name "cat.png" root)) draft)
      (write-region "PNG" nil image nil 'quiet)
      (goto-char (point-min))
      (push-mark (line-beginning-position 3) t t)
      (let ((transient-mark-mode t)) (setq mark-active t) (roo-add))
      (roo-attach image)
      (setq draft (roo--draft connection))
      (unwind-protect
          (with-current-buffer draft
            (should (string-prefix-p " a.txt:1-2, cat.png" (roo--compose-header)))
            (let ((exec-path (list root)) (process-environment process-environment))
              (setenv "PATH" (concat root ":" (getenv "PATH")))
              (write-region "#!/bin/sh\nprintf 'P\\377G'" nil (expand-file-name "xclip" root)
                            nil 'quiet)
              (set-file-modes (expand-file-name "xclip" root) #o755)
              (roo-attach-clipboard)
              (until (= (length roo--attached) 3)))
            (insert "What is this?")
            (roo-compose-send))
        (when (buffer-live-p draft) (kill-buffer draft))
        (when (roo--transcript connection) (kill-buffer (roo--transcript connection)))))
    (let* ((message (car (last (funcall sent))))
           (argument (aref (plist-get (plist-get message :params) :arguments) 0)))
      (should (equal (plist-get (plist-get message :params) :command) "roo.task.start"))
      (should (equal (plist-get argument :prompt) "What is this?"))
      (should (equal (seq-remove (lambda (each) (plist-get each :focus))
                                 (plist-get argument :context))
                     (list (list :uri (uri)
                                 :range '(:start (:line 0 :character 0)
                                          :end (:line 2 :character 0))))))
      (should (equal (plist-get argument :images)
                     (vector (roo--uri (expand-file-name "cat.png" root))
                             "data:image/png;base64,UP9H"))))))

(ert-deftest unit-what-is-not-taken-comes-back-with-what-went-along ()
  (with-document "one\n"
    (roo--submit connection "Do it" (list (roo--place)) t)
    (let ((request (car (last (funcall sent))))
          (draft (roo--draft connection)))
      (roo--handle connection (list :id (plist-get request :id)
                                    :error '(:code -32803 :message "No model.")))
      (unwind-protect
          (with-current-buffer draft
            (should (equal (buffer-string) "Do it"))
            (should (string-prefix-p " Not sent, a.txt" (roo--compose-header)))
            (erase-buffer)
            (roo-compose-previous)
            (should (equal (buffer-string) "Do it")))
        (kill-buffer draft)
        (kill-buffer (roo--transcript connection))))))

(ert-deftest unit-what-was-said-comes-back-around-what-is-being-written ()
  (with-document "one\n"
    (let ((roo--history (list "two\nlines" "one")) (draft (roo--draft connection)))
      (unwind-protect
          (with-current-buffer draft
            (insert "mine")
            (roo-compose-up)
            (should (equal (buffer-string) "two\nlines"))
            (goto-char (point-min))
            (roo-compose-up)
            (should (equal (buffer-string) "one"))
            (should-error (roo-compose-up) :type 'user-error)
            (roo-compose-down)
            (roo-compose-down)
            (should (equal (buffer-string) "mine")))
        (kill-buffer draft)))))

(ert-deftest unit-commands-are-completed-where-a-line-begins-with-one ()
  (with-document "one\n"
    (setf (roo--commands connection)
          '((:name "mode" :description "Go on in another mode." :argumentHint "mode")
            (:name "status" :description "Say it." :argumentHint "")))
    (let ((draft (roo--draft connection)))
      (unwind-protect
          (with-current-buffer draft
            (insert "/mo")
            (completion-at-point)
            (should (equal (buffer-string) "/mode"))
            (should (equal (roo--about-command "/mode") " MODE Go on in another mode."))
            (erase-buffer)
            (insert "/usr/mo")
            (should-not (roo--complete-command)))
        (kill-buffer draft)))))

;;; Marks

(defun changed (connection uri &rest hunks)
  "Have the shown task of CONNECTION have changed HUNKS, (ID LINE LINE BEFORE), of URI."
  (setf (roo--task connection) "t1"
        (roo--changes connection)
        (list (list :uri uri
                    :hunks (mapcar (lambda (each)
                                     (pcase-let ((`(,id ,from ,to ,before) each))
                                       (list :id id :state "pending" :before before
                                             :range `(:start (:line ,from :character 0)
                                                      :end (:line ,to :character 0)))))
                                   hunks))))
  (roo--mark connection))

(defun marks ()
  "The texts that are marked in this buffer, all of it."
  (save-restriction
    (widen)
    (mapcar (lambda (each)
              (buffer-substring-no-properties (overlay-start each) (overlay-end each)))
            (seq-filter (lambda (each) (overlay-get each 'roo-hunk))
                        (overlays-in (point-min) (point-max))))))

(ert-deftest unit-a-mark-goes-with-undo-and-what-is-left-is-asked-for ()
  (with-document "one\ntwo\n"
    (buffer-enable-undo)
    (edit connection (uri) 0 '(0 0 1 0 "1\n"))
    (changed connection (uri) '("h" 0 1 "one\n"))
    (should (equal (marks) '("1\n")))
    (undo-boundary)
    (setq last-command nil)
    (undo)
    (should (equal (buffer-string) "one\ntwo\n"))
    (should-not (marks))
    (setf (roo--changes-timer connection) nil)
    (roo--flush connection)
    (should (roo--changes-timer connection))))

(ert-deftest unit-marks-outside-of-what-is-narrowed-come-and-go ()
  (with-document "one\ntwo\nthree\n"
    (narrow-to-region 5 8)
    (changed connection (uri) '("h" 2 3 "3\n"))
    (should (equal (marks) '("three\n")))
    (roo--visit-hunk connection 0)
    (should (equal (line-number-at-pos nil t) 3))
    (narrow-to-region 1 4)
    (changed connection (uri))
    (should-not (marks))))

(ert-deftest unit-whoever-is-told-of-changes-sees-the-whole-buffer ()
  (with-document "one\ntwo\nthree\n"
    (narrow-to-region 5 8)
    (let (seen)
      (add-hook 'before-change-functions
                (lambda (beg _end) (push (list (buffer-narrowed-p) (line-number-at-pos beg)) seen))
                nil t)
      (edit connection (uri) 0 '(2 0 3 0 "thirty three\n"))
      (should (equal (delete-dups seen) '((nil 3)))))))

(ert-deftest unit-settings-are-changed-below-a-key-and-those-of-the-user-left-alone ()
  (let ((mine '(:provider (:baseUrl "u" :modelId "m") :mode "ask")))
    (should (equal (roo--with mine '(:provider :modelId) "n")
                   '(:provider (:baseUrl "u" :modelId "n") :mode "ask")))
    (should (equal mine '(:provider (:baseUrl "u" :modelId "m") :mode "ask")))
    (should (equal (roo--with nil '(:profiles :big :provider :modelId) "n")
                   '(:profiles (:big (:provider (:modelId "n"))))))))

(ert-deftest unit-each-key-of-the-menu-is-that-of-the-prefix ()
  (let (suffixes)
    (cl-labels ((walk (each)
                  (cond ((and (listp each) (plist-get-safe each :command))
                         (push (cons (plist-get-safe each :key) (plist-get-safe each :command))
                               suffixes))
                        ((vectorp each) (mapc #'walk each))
                        ((consp each) (while (consp each) (walk (pop each))))))
                (plist-get-safe (each key)
                  (ignore-errors (plist-get each key))))
      (walk (get 'roo-menu 'transient--layout)))
    (should (> (length suffixes) 25))
    (pcase-dolist (`(,key . ,command) suffixes)
      (should (eq (lookup-key roo-command-map (kbd key)) command)))))

;;; The other language servers

(ert-deftest unit-positions-of-others-are-counted-anew ()
  (with-document "\U0001F600\U0001F600 = 1\n"
    (should (equal (roo--position-for 'utf-16 '(:line 0 :character 2)) '(:line 0 :character 4)))
    (should (equal (roo--position-for 'utf-8 '(:line 0 :character 1)) '(:line 0 :character 4)))
    (let ((range '(:start (:line 0 :character 4) :end (:line 0 :character 5)))
          (counted '(:start (:line 0 :character 2) :end (:line 0 :character 3))))
      (should (equal (roo--translated (vector (list :uri (uri) :range range)) nil 'utf-16)
                     (vector (list :uri (uri) :range counted))))
      (should (equal (roo--translated (list :contents "x" :range range) (uri) 'utf-16)
                     (list :contents "x" :range counted)))
      (should (equal (roo--translated
                      (list :changes (list (intern (concat ":" (uri)))
                                           (vector (list :range range :newText "n"))))
                      "file:///other" 'utf-16)
                     (list :changes (list (intern (concat ":" (uri)))
                                          (vector (list :range counted :newText "n"))))))
      (should (equal (roo--translated
                      (list :documentChanges
                            (vector (list :textDocument (list :uri (uri) :version nil)
                                          :edits (vector (list :range range :newText "n")))))
                      nil 'utf-16)
                     (list :documentChanges
                           (vector (list :textDocument (list :uri (uri) :version nil)
                                         :edits (vector (list :range counted
                                                              :newText "n"))))))))))

(ert-deftest unit-a-buffer-without-another-server-has-no-answer ()
  (with-document "one\n"
    (roo--on-definition connection (list :textDocument (list :uri (uri))
                                         :position '(:line 0 :character 0))
                        (lambda (result &rest _) (should-not result)))))

;;; Tasks, with the real server and a scripted endpoint

(defun here ()
  "The connection of the project that the test stands in."
  (roo--find default-directory))

(defun said ()
  "The transcript as a person reads it."
  (with-current-buffer (roo--make-transcript (here))
    (buffer-substring-no-properties (point-min) (point-max))))

(defun state ()
  "The state of the shown task."
  (roo--fact (here) (roo--task (here)) :state))

(defun file (name)
  "The text of the file NAME."
  (with-temp-buffer (insert-file-contents name) (buffer-string)))

(defun messages ()
  "What the user was told."
  (with-current-buffer "*Messages*" (buffer-substring-no-properties (point-min) (point-max))))

(defun asked (words)
  "Wait until a decision about something with these WORDS is waited for."
  (until (seq-some (lambda (each) (string-match-p words (plist-get each :title)))
                   (roo--ours-of (here)))))

(ert-deftest task-edits-the-buffer-and-saves-it-for-a-command ()
  (find-file "app.py")
  (roo "Change the greeting")
  (asked "Edit app.py")
  (roo-approve)
  (until (string-match-p "edited" (buffer-string)))
  (should (buffer-modified-p))
  (asked "Run cat app.py")
  (should (string-match-p "○ Run cat app.py" (said)))
  (roo-approve)
  (until (string-match-p "All done" (said)))
  (until (equal (state) "idle"))
  (should-not (buffer-modified-p))
  (should (string-match-p "edited" (file "app.py")))
  (should (equal (roo-mode-line) (list " " "Roo"))))

(ert-deftest task-that-is-read-again-looks-the-same ()
  (find-file "app.py")
  (setq roo--page 4)
  (roo "Say it")
  (until (equal (state) "idle"))
  (let ((before (said)) (task (roo--task (here))))
    (should (string-match-p "said in a few words" before))
    (roo "/status")
    (until (string-match-p "idle in mode code" (messages)))
    (until (equal (roo--task (here)) task)) ; once the command is answered
    (roo-send "/stauts")
    (until (string-match-p "nearest is /status" (messages)))
    (until (equal (said) before))
    (roo-restart)
    (until (equal (said) before))
    (with-current-buffer (roo--make-transcript (here)) (revert-buffer))
    (until (equal (said) before))
    (roo-tasks)
    (until (string-match-p "idle .* Say it" (buffer-string)))
    (goto-char (point-min))
    (should (equal (tabulated-list-get-id) task))
    (cl-letf (((symbol-function 'y-or-n-p) #'always))
      (roo-tasks-delete))
    (until (string-empty-p (buffer-string)))))

(ert-deftest task-is-denied-with-words-then-answered-then-cancelled ()
  (find-file "app.py")
  (let ((mark (point)))
    (push-mark mark t t)
    (forward-line 1)
    (let ((transient-mark-mode t)) (setq mark-active t) (roo "What is this?")))
  (asked "Create new.txt")
  (roo-deny "not in this folder")
  (asked "Which")
  (should (string-match-p "Your answer\\?" (said)))
  (should (string-match-p "Denied" (said)))
  (let ((completing-read-function (lambda (&rest _) "the second")))
    (roo-answer))
  (until (string-match-p "I begin and" (said)))
  (should (string-match-p "the second" (said)))
  (roo-cancel)
  (until (string-match-p "Cancelled" (said)))
  (should (equal (state) "idle")))

(ert-deftest language-servers-beside-roo-answer-it ()
  (with-eval-after-load 'eglot
    (defvar eglot-server-programs)
    (add-to-list 'eglot-server-programs '(python-mode . ("basedpyright-langserver" "--stdio"))))
  (require 'eglot)
  (find-file "app.py")
  (roo "Where is it defined?")
  (call-interactively #'eglot)
  (until (bound-and-true-p eglot--managed-mode))
  (until (equal (state) "idle"))
  (let ((connection (here)) (uri (uri)) (found nil))
    (cl-flet ((ask (handler params)
                (setq found 'nothing)
                (funcall handler connection params
                         (lambda (result &optional problem) (setq found (or problem result))))
                (until (not (eq found 'nothing)))
                (when (stringp found) (ert-fail (list found (seen))))
                found))
      (let ((call (list :textDocument (list :uri uri) :position '(:line 4 :character 7))))
        (should (equal (plist-get (aref (ask #'roo--on-definition call) 0) :range)
                       '(:start (:line 0 :character 4) :end (:line 0 :character 9))))
        (should (= (length (ask #'roo--on-references
                                (append call '(:context (:includeDeclaration t)))))
                   2))
        (should (string-match-p "greet" (roo--encode (ask #'roo--on-hover call))))
        (should (plist-get (ask #'roo--on-rename (append call '(:newName "welcome")))
                           :documentChanges)))
      (should (equal (mapcar (lambda (each) (plist-get each :name))
                             (ask #'roo--on-document-symbol
                                  (list :textDocument (list :uri uri))))
                     '("greet")))
      (should (equal (plist-get (aref (ask #'roo--on-workspace-symbol '(:query "greet")) 0)
                                :name)
                     "greet"))
      ;; Roo's edit of what is not in sight reaches eglot's server where it is.
      (goto-char (point-min))
      (save-restriction
        (narrow-to-region (point-min) (line-end-position 2))
        (roo--flush connection)
        (should (equal (edit connection uri (plist-get roo--document :version)
                             '(4 0 5 0 "print(1, greet(), greet())\n"))
                       '(:applied t)))
        (should (equal (plist-get (aref (ask #'roo--on-definition
                                             (list :textDocument (list :uri uri)
                                                   :position '(:line 4 :character 20)))
                                        0)
                                  :range)
                       '(:start (:line 0 :character 4) :end (:line 0 :character 9)))))
      (goto-char (point-max))
      (insert "nowhere\n")
      (let ((items (plist-get (ask #'roo--on-diagnostics (list :uris (list uri) :wait t))
                              :items)))
        (should (string-match-p "nowhere" (roo--encode items)))))))

(defvar flymake-mode)
(declare-function flymake-make-diagnostic "flymake")
(declare-function flymake-start "flymake")

(ert-deftest task-fixes-a-problem-then-goes-back-and-is-exported ()
  (find-file "app.py")
  (require 'flymake)
  (add-hook 'flymake-diagnostic-functions
            (lambda (report &rest _)
              (funcall report (list (flymake-make-diagnostic (current-buffer) 1 5 :error
                                                             "Greets badly"))))
            nil t)
  (flymake-mode 1)
  (flymake-start)
  (until (roo--problems 1 2))
  (goto-char (point-min))
  (roo-fix)
  (asked "Edit app.py")
  (should (string-match-p "Fix this problem in app.py.*\n- line 1, error.*Greets badly" (said)))
  (roo-approve)
  (until (string-match-p "All done" (said)))
  (until (equal (state) "idle"))
  (should (string-match-p "edited" (buffer-string)))
  (let ((code (current-buffer)))
    (roo-checkpoints)
    (until (string-match-p "Before: Fix" (buffer-string)))
    (goto-char (point-min))
    (search-forward "Before: Fix")
    (cl-letf (((symbol-function 'yes-or-no-p) #'always))
      (roo-checkpoint-restore))
    (with-current-buffer code (until (not (string-match-p "edited" (buffer-string)))))
    (roo-export "task.md")
    (until (file-exists-p "task.md"))
    (should (string-match-p "All done" (file "task.md")))))

(ert-deftest task-knows-what-is-on-the-screen ()
  (find-file "app.py")
  (require 'flymake)
  (add-hook 'flymake-diagnostic-functions
            (lambda (report &rest _)
              (funcall report (list (flymake-make-diagnostic (current-buffer) 20 25 :error
                                                             "Greets badly"))))
            nil t)
  (flymake-mode 1)
  (flymake-start)
  (until (roo--problems 20 21))
  (goto-char 20)
  (let ((code (current-buffer)))
    (roo "Fix this")
    (until (string-match-p "It is old" (said)))
    (until (equal (state) "idle"))
    (with-current-buffer code
      (end-of-line)
      (insert "  # why?")
      (roo-send "And now?"))
    (until (string-match-p "I see" (said)))))

(ert-deftest task-is-asked-about-an-image-by-a-model-that-was-chosen ()
  (find-file "app.py")
  (let ((coding-system-for-write 'no-conversion))
    (write-region (base64-decode-string "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42m\
NkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==") nil "cat.png" nil 'quiet))
  (roo--ensure)
  (roo-attach "cat.png")
  (let ((completing-read-function (lambda (_prompt models &rest _) (car (last models)))))
    (roo-set-model)
    (until (string-match-p "The model is" (messages))))
  (with-current-buffer "*to roo: project*"
    (insert "What is @pp.p")
    (until (progn (completion-at-point) (equal (buffer-string) "What is @app.py")))
    (roo-compose-enhance)
    (until (equal (buffer-string) "What is this, @app.py apart?"))
    (roo-compose-send))
  (until (string-match-p "A cat" (said)))
  (until (equal (state) "idle"))
  (should (string-match-p "What is this, @app.py apart\\?" (said)))
  (roo-condense)
  (until (string-match-p "The conversation was condensed" (said))))

(ert-deftest task-goes-on-after-its-server-was-killed ()
  (find-file "app.py")
  (roo "Change the greeting")
  (asked "Edit app.py")
  (let ((task (roo--task (here))))
    (insert "# typed meanwhile\n")
    ;; Stopped, it takes nothing any more: what is said to it now would be gone with it.
    (signal-process (roo--process (here)) 'SIGSTOP)
    (roo-send "and mind the tests")
    (signal-process (roo--process (here)) 'SIGKILL)
    (until (string-match-p "Roo ended by signal 9 and was started again" (messages)))
    (until (and (here) (roo--ready (here))))
    (should (equal (roo--task (here)) task))
    (until (string-match-p "\\`Change the greeting\n\n○ Edit app.py" (said)))
    (should (string-prefix-p "# typed meanwhile\n" (buffer-string)))
    ;; What waited waits again, and its answer goes on right there.
    (asked "Edit app.py")
    (should-not (string-match-p "Roo ended in the middle" (said)))
    (roo-approve)
    ;; The file is another one than it was shown in: that is asked anew.
    (until (string-match-p "has changed since you were asked" (said)))
    (asked "Edit app.py")
    (roo-approve)
    (until (string-match-p "All done" (said)))
    (until (equal (state) "idle"))
    (with-current-buffer "*to roo: project*"
      (should (equal (buffer-string) "and mind the tests"))
      (roo-compose-send))
    (until (string-match-p "They are minded" (said)))
    (should (string-match-p "and mind the tests" (said)))))

(ert-deftest task-is-begun-again-by-hand-where-the-server-cannot-start ()
  (find-file "app.py")
  (let ((roo-command (list "sh" "-c" "echo 'it is broken' >&2; exit 3")))
    (roo "Change the greeting")
    (until (string-match-p "Roo ended with exit code 3 before it was ready" (messages)))
    (should-not (here)))
  (with-current-buffer "*to roo: project*"
    (should (equal (buffer-string) "Change the greeting")))
  (roo-restart)
  (should (here))
  (with-current-buffer "*to roo: project*" (roo-compose-send))
  (until (string-match-p "All done" (said))))

;;; Without the package

(declare-function my-roo-start "plain-eglot")
(declare-function my-roo-approve "plain-eglot")

(defun plain-task ()
  "Start a task by the commands of the set-up that is loaded, and have it edit this buffer."
  (my-roo-start "Change the greeting")
  ;; There is no event for what this waits for: approve until it is done, as a person would.
  (until (my-roo-approve)
         (accept-process-output nil 0.3)
         (string-match-p "edited" (buffer-string)))
  (should (buffer-modified-p))
  (should (string-match-p "old" (file (buffer-file-name)))))

(ert-deftest plain-eglot-edits-the-buffer ()
  (require 'eglot)
  (setq-default eglot-workspace-configuration
                `(:roo ,(append roo-settings
                                (plist-get (default-value 'eglot-workspace-configuration)
                                           :roo))))
  (find-file "notes.txt")
  (call-interactively #'eglot)
  (until (bound-and-true-p eglot--managed-mode))
  (plain-task))

(ert-deftest dir-locals-of-a-repository-widen-nothing ()
  (require 'eglot)
  (find-file "notes.txt")
  (should (plist-get (plist-get eglot-workspace-configuration :roo) :auto_approve))
  (call-interactively #'eglot)
  (until (bound-and-true-p eglot--managed-mode))
  (my-roo-start "Change the greeting")
  (let (waiting)
    (until (progn (accept-process-output nil 0.3)
                  (setq waiting (append (jsonrpc-request (eglot-current-server)
                                                         :workspace/executeCommand
                                                         '(:command "roo.approval.list"
                                                           :arguments [()]))
                                        nil))))
    (should (equal (mapcar (lambda (each) (plist-get each :kind)) waiting) '("permission")))
    (should-not (file-exists-p ".vscode"))))

(defvar lsp-enable-snippet)
(declare-function lsp-workspace-folders-add "ext:lsp-mode")
(declare-function lsp--workspace-status "ext:lsp-mode")

(ert-deftest plain-lsp-mode-edits-the-buffer ()
  (load "lsp-mode-autoloads" nil t)     ; as Debian's start-up does
  (require 'lsp-mode)
  (setq lsp-enable-snippet nil)
  (lsp-workspace-folders-add default-directory)
  (find-file "notes.txt")
  (lsp)
  (until (bound-and-true-p lsp-mode))
  (until (seq-some (lambda (each) (eq (lsp--workspace-status each) 'initialized))
                   (lsp-workspaces)))
  (plain-task))

(provide 'roo-tests)
;;; roo-tests.el ends here
