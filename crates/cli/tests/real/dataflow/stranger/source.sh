#!/bin/sh
# The smallest source: it speaks the published "Connector Protocol (stdin/stdout)" page and follows nothing but that
# page. Pure POSIX sh, because awk may read its input in blocks; printf is a builtin, so every answer goes out at once.
# Config: environment variable ROWS, the number of rows in all (20). Lines are matched as text, there is no JSON parser.
# A read gives at most 7 messages: no metadata, no timestamp, and never a checkpoint. Exits after close.
rows=${ROWS:-20} sent=0

while IFS= read -r line; do
    cmd=${line#*\"cmd\"*:*\"}
    case ${cmd%%\"*} in
    init | connect) echo '{"type":"ready"}' ;;
    ping) echo '{"type":"pong"}' ;;
    read)
        left=7
        limit=${line#*\"limit\"*:}
        limit=${limit#"${limit%%[! ]*}"} # without leading spaces
        limit=${limit%%[!0-9]*}
        [ -n "$limit" ] && [ "$limit" -lt 7 ] && left=$limit
        while [ "$left" -gt 0 ] && [ "$sent" -lt "$rows" ]; do
            sent=$((sent + 1)) left=$((left - 1))
            printf '{"type":"message","data":"{\\"id\\":%d}"}\n' "$sent"
        done
        echo '{"type":"done"}'
        ;;
    close)
        echo '{"type":"done"}'
        exit 0
        ;;
    *) echo '{"type":"error","message":"unknown command","code":"unknown_command"}' ;;
    esac
done
