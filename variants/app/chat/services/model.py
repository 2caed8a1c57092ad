{% include root ~ 'variants/model/' ~ answering ~ '/services/model.py' -%}
