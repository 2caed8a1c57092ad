{% include root ~ 'variants/model/shared/utils/preprocess.py' -%}
