"""A throw-away authority and one leaf for every name the simulator answers to, made with the openssl program."""
import os
import subprocess

NAMES = ("localhost", "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com",
         "bedrock-runtime.us-east-1.amazonaws.com")


def make(folder):
    """Fills `folder` with ca.pem, leaf.pem and leaf.key, unless it has them."""
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(f"{folder}/leaf.pem"):
        return folder

    def openssl(*words):
        subprocess.run(("openssl",) + words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    with open(f"{folder}/leaf.ext", "w") as f:
        f.write("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,"
                + ",".join("DNS:" + n for n in NAMES) + "\n")
    openssl("req", "-x509", *key, "-days", "30", "-subj", "/CN=submeter test authority", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-new", *key, "-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "leaf.ext", "-out", "leaf.new")
    os.rename(f"{folder}/leaf.new", f"{folder}/leaf.pem")
    return folder
