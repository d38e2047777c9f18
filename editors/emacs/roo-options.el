;;; roo-options.el --- What can be set, and how it looks  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Options and faces; nothing here does anything.

;;; Code:

(require 'diff-mode)

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
  "How many lines of a command's output are shown, the last ones."
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

(provide 'roo-options)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-options.el ends here
