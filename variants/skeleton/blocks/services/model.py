{% include root ~ 'variants/skeleton/shared/function/services/model.py' -%}
