"""Answers of people out of files: Label Studio's JSON, tables, CoNLL-2003, and boxes as COCO, YOLO and Pascal VOC. No Django.

What a file says is brought into one form (`found.Found`); whose task it is and whether the answer fits the questions is decided by the
stage (apps.labeling.exchange), which knows both.
"""
