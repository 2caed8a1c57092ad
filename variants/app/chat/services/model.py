{% include root ~ 'variants/model/' ~ model ~ '/services/model.py' -%}
