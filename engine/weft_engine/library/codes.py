"""The codes of the errors that built-in nodes raise."""

from weft_engine.errors import register_codes

register_codes(
    {
        "file.bad_encoding": "The file has bytes that are not text in the chosen encoding.",
        "file.not_text": "The file is not a text file.",
        "file.too_large": "The file is larger than the node may read at once.",
        "file.is_folder": "The path leads to a folder where a file is needed.",
        "file.no_match": "No file matches the pattern.",
        "file.exists": "The file is already there.",
        "file.bad_record": "A record cannot be written in the chosen format.",
        "csv.empty": "The CSV file is empty.",
        "csv.ragged_row": "A row of the CSV file has more or fewer fields than the header.",
        "csv.wrong_delimiter": "The CSV file uses another delimiter than the one set.",
        "csv.bad_quotes": "The quotation marks of a CSV row do not match.",
        "csv.field_too_large": "A field of the CSV file is too long, or a quotation never closes.",
        "json.malformed": "The text is not valid JSON.",
        "data.unknown_column": "The row has no column of that name.",
        "data.not_a_row": "A record is not a row with named columns.",
        "data.not_a_number": "A column holds something else where a number is needed.",
        "data.not_text": "A column holds something else where a text is needed.",
        "data.bad_key": "The key columns of a join do not go together.",
        "text.no_match": "The text does not match the pattern.",
        "text.pattern_timeout": "The pattern took too long on a text.",
        "date.malformed": "The text is not a date in a form that is understood.",
        "date.unknown_zone": "There is no such time zone.",
        "http.status": "The server answered with an error.",
        "http.bad_url": "The address is not a complete http or https address.",
        "http.unreachable": "The server cannot be reached.",
        "http.timeout": "The server did not answer in time.",
        "http.bad_body": "The answer is not in the expected format.",
        "http.too_large": "The answer is larger than the node may read.",
        "input.missing": "The run was started without a value for a flow input.",
    }
)
