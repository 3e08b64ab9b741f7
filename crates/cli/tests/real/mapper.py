"""Keys for Airbyte's mappers, and what was encrypted with them, by a library that is not ours.

`keys` prints a key of AES and both keys of RSA; `open` reads keys, a mode for each field and rows from standard
input and prints the rows with the fields decrypted.
"""

import json
import os
import sys

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as asymmetric
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

START = 16


def keys():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"aes": os.urandom(32).hex(), "public": public.hex(), "private": text.hex()}


def opened(keys, mode, pads, text):
    data = bytes.fromhex(text)
    if mode == "RSA":
        private = serialization.load_der_private_key(bytes.fromhex(keys["private"]), None)
        return private.decrypt(data, asymmetric.PKCS1v15()).decode()
    key = bytes.fromhex(keys["aes"])
    if mode == "GCM":
        return AESGCM(key).decrypt(data[:12], data[12:], None).decode()
    if mode == "ECB":
        start, rest = None, data
    else:
        start, rest = data[:START], data[START:]
    make = getattr(modes, mode)
    decryptor = Cipher(algorithms.AES(key), make(start) if start else make()).decryptor()
    plain = decryptor.update(rest) + decryptor.finalize()
    if pads:
        unpadder = padding.PKCS7(128).unpadder()
        plain = unpadder.update(plain) + unpadder.finalize()
    return plain.decode()


if sys.argv[1] == "keys":
    print(json.dumps(keys()))
else:
    given = json.load(sys.stdin)
    modes_of = {name: (mode, pads) for name, mode, pads in given["fields"]}
    rows = [
        {name: opened(given["keys"], *modes_of[name], value) for name, value in row.items() if name in modes_of}
        for row in given["rows"]
    ]
    print(json.dumps(rows))
