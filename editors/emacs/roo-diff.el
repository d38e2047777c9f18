;;; roo-diff.el --- The lines that changed  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Two texts to the lines that differ, for people.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'roo-options)

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

(provide 'roo-diff)

;; Local Variables:
;; checkdoc-verb-check-experimental-flag: nil
;; End:
;;; roo-diff.el ends here
