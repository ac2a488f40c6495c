INSERT INTO page_files (
    page, file, layout, stat, hash, in_file, gone, front, intent, version
) VALUES (
    :page, :file, :layout, :stat, :hash, :in_file, :gone, :front, :intent, :version
)
ON CONFLICT (page) DO UPDATE SET
    file = excluded.file, layout = excluded.layout, stat = excluded.stat, hash = excluded.hash,
    in_file = excluded.in_file, gone = excluded.gone, front = excluded.front,
    intent = excluded.intent, version = excluded.version
