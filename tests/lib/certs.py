"""Certificates for tests, made by the openssl command: a CA, and server certificates good and bad.

    certs = Certs(directory)
    certs.good, certs.wrong_name, certs.expired, certs.unknown_ca     each (certificate file, key file)
    certs.ca                                                          what a client is to trust
"""
import os
import ssl
import subprocess

_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


class Certs:
    def __init__(self, directory):
        self.directory = os.path.join(str(directory), "certs")
        os.makedirs(self.directory, exist_ok=True)
        self.ca, self._ca_key = self._authority("ca", "findingsd test CA")
        other, other_key = self._authority("other-ca", "somebody else's CA")
        self.good = self._server("good", self.ca, self._ca_key, _NAMES)
        self.wrong_name = self._server("wrong-name", self.ca, self._ca_key, "DNS:elsewhere.example.com")
        self.expired = self._server("expired", self.ca, self._ca_key, _NAMES,
                                    ("20200101000000Z", "20200201000000Z"))
        self.unknown_ca = self._server("unknown-ca", other, other_key, _NAMES)

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _run(self, *argv):
        done = subprocess.run(["openssl", *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              cwd=self.directory)
        if done.returncode:
            raise RuntimeError("openssl %s: %s" % (argv[0], done.stderr))

    def _authority(self, name, subject):
        cert, key = self._path(name + ".pem"), self._path(name + ".key")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                  "-subj", "/CN=" + subject, "-keyout", key, "-out", cert,
                  "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        return cert, key

    def _server(self, name, ca, ca_key, names, between=None):
        """A server certificate of a CA. `openssl ca` because `x509` cannot set a start date."""
        cert, key, request = self._path(name + ".pem"), self._path(name + ".key"), self._path(name + ".csr")
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-subj", "/CN=" + name, "-keyout", key, "-out", request)
        config, base = self._path(name + ".cnf"), self._path(name + ".db")
        with open(base, "w", encoding="ascii"):
            pass
        with open(config, "w", encoding="ascii") as file:
            file.write("[ca]\ndefault_ca = d\n[d]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\n"
                       "default_md = sha256\npolicy = p\nx509_extensions = e\nunique_subject = no\n"
                       "[p]\ncommonName = supplied\n"
                       "[e]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = %s\n"
                       % (base, self.directory, names))
        dates = ["-startdate", between[0], "-enddate", between[1]] if between else ["-days", "29"]
        self._run("ca", "-batch", "-notext", "-config", config, "-cert", ca, "-keyfile", ca_key, "-in", request,
                  "-out", cert, *dates)
        return cert, key

    @staticmethod
    def context(pair):
        """A server's SSLContext with that certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        return context
