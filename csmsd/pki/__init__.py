"""The edge towards certificates: TLS contexts, what certificates say, the certificate authority of the site.

It alone knows `cryptography`, which takes 130 ms and 18 MiB to import: a daemon without TLS imports none of this.
"""
