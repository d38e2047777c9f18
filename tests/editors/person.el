;;; person.el --- What a person at this Emacs has in their init file  -*- lexical-binding: t; -*-

;;; Commentary:

;; The set-up of editors/emacs/README.md, with the settings of the test, and nothing that blinks.

;;; Code:

(require 'roo)

(setq inhibit-startup-screen t
      initial-scratch-message nil
      make-backup-files nil
      auto-save-default nil
      create-lockfiles nil
      ring-bell-function #'ignore
      use-short-answers t
      roo-settings (json-parse-string (getenv "ROO_SETTINGS")
                                      :object-type 'plist :false-object :json-false))
(menu-bar-mode -1)
(global-set-key (kbd "C-c r") 'roo-command-map)

;;; person.el ends here
