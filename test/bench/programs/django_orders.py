# Django 3.2 with its default settings: each commit reads a row, changes it, and adds another one.
#   django_orders.py create FILE JOURNAL | work FILE COMMITS
import sys

import django
from django.conf import settings

FILE = sys.argv[2]
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FILE}}, INSTALLED_APPS=[])
django.setup()

from django.db import connection, models, transaction  # noqa: E402

from signal_line import report, wait_for_signal  # noqa: E402


class Account(models.Model):
    balance = models.IntegerField(default=0)

    class Meta:
        app_label = "shop"
        db_table = "accounts"


class Entry(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    balance = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "entries"


def create(journal):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA journal_mode = {journal}")
    with connection.schema_editor() as editor:
        editor.create_model(Account)
        editor.create_model(Entry)
    Account.objects.create()


def add_entry():
    with transaction.atomic():
        account = Account.objects.get()
        account.balance += 1
        account.save()
        Entry.objects.create(account=account, balance=account.balance)


def work(commits):
    errors = []
    wait_for_signal()
    for _ in range(commits):
        try:
            add_entry()
        except django.db.Error as error:
            errors.append(str(error))
    report(commits, errors)


if sys.argv[1] == "create":
    create(sys.argv[3])
else:
    work(int(sys.argv[3]))
