-- One row, as JSON: what is in each page's file. What somebody damaged is not there.
SELECT json_group_object(page, json(in_file)) FILTER (
    WHERE typeof(in_file) = 'text' AND json_valid(in_file) AND json_type(in_file) = 'object'
) AS sections
FROM page_files
