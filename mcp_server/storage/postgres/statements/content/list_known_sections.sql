-- One row, as JSON: what is in each page's file. What somebody damaged is not there.
SELECT CAST(coalesce(json_object_agg(page, CAST(in_file AS json)) FILTER (
    WHERE in_file IS JSON OBJECT
), '{}') AS text) AS sections
FROM page_files
