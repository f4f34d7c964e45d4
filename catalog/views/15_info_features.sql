-- information_schema: the tables in which an implementation lists what of the SQL standard it has.

CREATE TABLE sql_features (
    feature_id character_data, feature_name character_data, sub_feature_id character_data, sub_feature_name character_data,
    is_supported yes_or_no, is_verified_by character_data, comments character_data);

CREATE TABLE sql_implementation_info (
    implementation_info_id character_data, implementation_info_name character_data, integer_value cardinal_number,
    character_value character_data, comments character_data);

CREATE TABLE sql_parts (
    feature_id character_data, feature_name character_data, is_supported yes_or_no, is_verified_by character_data,
    comments character_data);

CREATE TABLE sql_sizing (
    sizing_id cardinal_number, sizing_name character_data, supported_value cardinal_number, comments character_data);
