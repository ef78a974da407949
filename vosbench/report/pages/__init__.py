"""A report: one folder of pages that a browser opens from disk, offline, and that can be mailed. Free of torch.

`build` writes it; the data of a page is made by the module of its name, its HTML by the template of that name
(Jinja2), and what moves in it by the scripts in `assets/`, which are plain JavaScript without a module system, since a
browser loads no modules from disk. Data comes in scripts too, for the same reason. Curves are drawn by uPlot (MIT).
"""
