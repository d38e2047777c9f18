(add-to-list 'load-path "@plugin@")
(require 'roo)
(setq roo-command '(@server@))
(global-set-key (kbd "C-c r") 'roo-command-map)
