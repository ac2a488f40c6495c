"""Moving a workspace from one database to another: a file, or a PostgreSQL server's schema.

tables       what is copied, in which order
shapes       the columns of a table
ends         what is asked of both databases
file_end     the file's tables
shared_end   the schema's tables
copying      all rows from one to the other, and whether they came
fitness      what PostgreSQL cannot hold
rights       whether the role may move it
living       whether somebody still works on the workspace
journal      what stands in the state folder while a move is at its last steps
plan         what is to be moved where
to_postgres  into a schema, from the file, which gets another name
to_file      into a file, from the schema, which gets another name

Until the whole copy is made, nothing else is changed: who is killed by then begins again. From then
on the journal keeps everybody from opening the workspace, until the same command has ended.
"""
