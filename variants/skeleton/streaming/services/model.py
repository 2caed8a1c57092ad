{% include root ~ 'variants/skeleton/model/' ~ answering ~ '/services/model.py' -%}
